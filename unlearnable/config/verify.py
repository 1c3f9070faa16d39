"""Settings of `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from unlearnable.config.attacks import AS_PUBLISHED, Through
from unlearnable.config.protect import Device, Seed
from unlearnable.config.train import Epochs, Rate, Schedule


class VerifySettings(Schedule):
    """Everything a `verify` run depends on; `epochs` and `lr` depend on the victim where they are not given."""

    originals: Path
    protected: Path
    captions: Path | None = None
    protected_captions: Path | None = None
    test: Path | None = None
    test_captions: Path | None = None
    test_fraction: Annotated[float, Field(gt=0, lt=1, description="held out where there is no --test")] = 0.2
    background: Path | None = None
    background_captions: Path | None = None
    victims: Annotated[tuple[str, ...], Field(min_length=1)] = ("small",)
    one_caption: Annotated[bool, Field(description="each epoch shows a photo once, with one of its captions")] = True
    from_scratch: bool = False
    epochs: Epochs | None = None
    lr: Rate | None = None
    through: Through = (AS_PUBLISHED,)
    ablations: bool = False
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0, 1, 2)
    seed: Annotated[Seed, Field(description="of the split")] = 0
    require: tuple[str, ...] = ()
    output: Path | None = None
    device: Device = "auto"

    @model_validator(mode="after")
    def _captions_belong_to_photos(self) -> VerifySettings:
        for folder, captions in (("test", self.test_captions), ("background", self.background_captions)):
            if captions is not None and getattr(self, folder) is None:
                raise ValueError(f"--{folder}-captions needs the photos they belong to, --{folder}")
        return self
