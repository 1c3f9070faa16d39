"""Settings of `benchmark`, and what the name of a method says there."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field, field_validator

from unlearnable.settings.base import DefaultText, DeviceSetting, Seeds, Settings, ToldApart
from unlearnable.settings.protect import PRESETS, Hyperparameters, Position
from unlearnable.settings.verify import AS_PUBLISHED, Through

ScaleName = Literal["tiny", "small", "paper"]
Fraction = Annotated[float, Field(gt=0, le=1)]
BASELINES = ("clean", "random", "em", "uap")
OF_THE_SCALE = DefaultText("that of the scale")
_MEM = re.compile(r"mem-([1-9]|1[0-6])(?:-(end|random))?(?:-(balanced|strong))?")
_DATA = DefaultText("$UNLEARNABLE_DATA/DATASET, then the cache folder")


class BenchmarkSettings(Settings):
    """What a `benchmark` run is asked for; what is not given, the scale says."""

    without_variable: ClassVar[frozenset[str]] = frozenset({"data"})  # UNLEARNABLE_DATA holds all data sets

    dataset: str = Field(description="Data set to run.")
    data: Annotated[Path | None, _DATA] = Field(default=None, description="Folder of the data set.")
    methods: Annotated[tuple[str, ...] | None, OF_THE_SCALE] = Field(
        default=None,
        description="Method to compare: clean, random, em, uap, or mem-K, where K is the number of words in a trigger; "
        "with -end or -random behind it, the trigger stands elsewhere than at the start; with -balanced or -strong "
        "last, it has the noise of that preset.",
    )
    surrogate: Annotated[str | None, OF_THE_SCALE] = Field(default=None, description="Model the noise is made on.")
    victims: Annotated[tuple[str, ...] | None, ToldApart, OF_THE_SCALE] = Field(
        default=None, description="Model to train on the posts."
    )
    fractions: Annotated[tuple[Fraction, ...] | None, OF_THE_SCALE] = Field(
        default=None,
        description="Share of the posts that is protected, from 0 to 1, by mem-K and for the first victim; all else is "
        "protected in full.",
    )
    through: Through = (AS_PUBLISHED,)
    seeds: Seeds = (0,)
    scale: ScaleName = Field(
        default="small",
        description="Size of the run: tiny shows that it works, small fits two CPU cores, paper is the paper's set-up.",
    )
    limit: Annotated[int | None, OF_THE_SCALE] = Field(
        default=None, ge=2, description="Largest number of photos to train on; for faces, of each person."
    )
    output: Annotated[Path | None, DefaultText("benchmark-DATASET")] = Field(
        default=None, description="Folder of cells, tables and figures."
    )
    device: DeviceSetting = "auto"

    @field_validator("methods")
    @classmethod
    def _known(cls, methods: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in methods or ():
            if name not in BASELINES and _MEM.fullmatch(name) is None:
                raise ValueError(
                    f"no method is called {name!r}; there are {', '.join(BASELINES)}, mem-K (K from 1 to 16), the last "
                    "also with -end or -random, and -balanced or -strong"
                )
        return methods


@dataclass(frozen=True)
class MEMName:
    """What the name of a method says, such as "mem-3-end-balanced"."""

    length: int  # words of a trigger
    position: Position
    preset: str  # whose noise it has; empty for that of the scale

    def applied_to(self, settings: Hyperparameters) -> Hyperparameters:
        """Return the settings of a scale with what the name says."""
        named = replace(settings, trigger_length=self.length, trigger_position=self.position)
        if not self.preset:
            return named
        noise = PRESETS[self.preset]
        return replace(
            named,
            noise_colour=noise.noise_colour,
            visibility=noise.visibility,
            noise_steps=noise.noise_steps,
            proxies=noise.proxies,
            proxy_weight=noise.proxy_weight,
            proxy_tuning_steps=noise.proxy_tuning_steps,
        )


def mem_name(method: str) -> MEMName | None:
    """Return what a name of "mem-K[-end|-random][-balanced|-strong]" says; None of another method."""
    found = _MEM.fullmatch(method)
    return MEMName(int(found[1]), cast(Position, found[2] or "start"), found[3] or "") if found else None
