"""Settings of `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from unlearnable.config.attacks import AS_PUBLISHED, AS_USUAL, Attackers, Through
from unlearnable.config.base import DefaultText, DeviceSetting, Seed, Seeds, ToldApart
from unlearnable.config.protect import CaptionColumn, PhotoColumn
from unlearnable.config.suites import SuiteName
from unlearnable.config.train import Epochs, OneCaption, Rate, Schedule


class VerifySettings(Schedule):
    """Everything a `verify` run depends on; `epochs` and `lr` depend on the victim where they are not given."""

    originals: Annotated[
        Path,
        Field(description="Folder of the original photos, or their caption file."),
        DefaultText("those of the last protect run"),
    ]
    protected: Annotated[Path, Field(description="Folder of the protected copies."), DefaultText("ORIGINALS-protected")]
    captions: Annotated[
        Path | None,
        Field(description="Caption file of the originals; `people` for folders of faces with invented names."),
        DefaultText("one that is found in the folder"),
    ] = None
    photo_column: PhotoColumn = None
    caption_column: CaptionColumn = None
    protected_captions: Annotated[
        Path | None, Field(description="Caption file of the copies."), DefaultText("the same name among the copies")
    ] = None
    test: Annotated[
        Path | None,
        Field(description="Folder of clean photos to rank."),
        DefaultText("a share of the originals, --test-fraction"),
    ] = None
    test_captions: Annotated[Path | None, Field(description="Caption file of the photos in --test.")] = None
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="Share of the originals held out to be ranked where there is no --test.")
    ] = 0.2
    background: Annotated[
        Path | None,
        Field(
            description="Folder of other people's clean posts, which every victim is trained on as well and which are "
            "not ranked; --crowd ranks them too and measures what is learnt of the protected people among them."
        ),
    ] = None
    background_captions: Annotated[Path | None, Field(description="Caption file of the photos in --background.")] = None
    crowd: Annotated[
        Path | None,
        Field(
            description="Folder of other people's clean posts (a crowd): measures what victims that are trained on "
            "them as well learn of the protected people, also without their posts and with some of them leaked."
        ),
    ] = None
    crowd_captions: Annotated[
        Path | None, Field(description="Caption file of the photos in --crowd; `people` as for --captions.")
    ] = None
    crowd_test: Annotated[
        Path | None,
        Field(description="Folder of the crowd's photos to rank."),
        DefaultText("the test split of the crowd, or the share --test-fraction"),
    ] = None
    crowd_test_captions: Annotated[Path | None, Field(description="Caption file of the photos in --crowd-test.")] = None
    leaked: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Share of the protected people's photos that leaked clean, in the arm half of --crowd; 0 "
            "leaves this arm out.",
        ),
    ] = 0.5
    victims: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="Model to train on the posts: small, conv-small, resnet-small and vit-small (bundled), an "
            "open_clip name with its weights such as RN50:openai, or a checkpoint.",
        ),
        ToldApart,
    ] = ("small", "conv-small")  # no preset makes noise on the second
    one_caption: OneCaption = True
    from_scratch: Annotated[bool, Field(description="Train from random weights in place of fine-tuning.")] = False
    epochs: Epochs = None
    lr: Rate = None
    suite: Annotated[
        SuiteName | None,
        Field(
            description="Set of attacks and attackers to test: quick takes minutes, standard is for a table, full is "
            "all that is installed. --through and --attacker add to it."
        ),
    ] = None
    through: Through = (AS_PUBLISHED,)
    attackers: Attackers = (AS_USUAL,)
    ablations: Annotated[
        bool, Field(description="Train also on noise alone, on triggers alone, and on random noise and words.")
    ] = False
    seeds: Seeds = (0, 1, 2)
    seed: Annotated[Seed, Field(description="Seed that draws the held-out photos.")] = 0
    require: Annotated[
        tuple[str, ...],
        Field(
            description='Requirement on every victim and attack, such as "hit10<=10", "medr>=30" or "effect>=0.9"; '
            "the exit code is 10 where one is missed."
        ),
    ] = ()
    output: Annotated[
        Path | None, Field(description="Folder of the report and its cells."), DefaultText("PROTECTED.verify")
    ] = None
    device: DeviceSetting = "auto"

    @model_validator(mode="after")
    def _captions_belong_to_photos(self) -> VerifySettings:
        for folder in ("test", "background", "crowd", "crowd_test"):
            if getattr(self, f"{folder}_captions") is not None and getattr(self, folder) is None:
                option = folder.replace("_", "-")
                raise ValueError(f"--{option}-captions needs the photos they belong to, --{option}")
        if self.crowd_test is not None and self.crowd is None:
            raise ValueError("--crowd-test needs the posts that victims are trained on, --crowd")
        if self.crowd is None and self.leaked != type(self).model_fields["leaked"].default:
            raise ValueError("--leaked needs other people's posts, --crowd")
        return self
