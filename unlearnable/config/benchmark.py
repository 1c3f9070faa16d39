"""Settings of `benchmark`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unlearnable.config.attacks import AS_PUBLISHED, Through
from unlearnable.config.protect import Device, Seed

ScaleName = Literal["tiny", "small", "paper"]
Fraction = Annotated[float, Field(gt=0, le=1)]
BASELINES = ("clean", "random", "em", "uap")
_MEM = re.compile(r"mem-([1-9]|1\d|20)(-natural)?(?:-(end|random))?")


class BenchmarkSettings(BaseModel):
    """What a `benchmark` run is asked for; what is not given, the scale says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str
    data: Path | None = None
    methods: tuple[str, ...] | None = None
    surrogate: str | None = None
    victims: tuple[str, ...] | None = None
    fractions: tuple[Fraction, ...] | None = None
    through: Through = (AS_PUBLISHED,)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    scale: ScaleName = "small"
    limit: Annotated[int | None, Field(ge=2, description="training photos at most; for faces, of each person")] = None
    output: Path | None = None
    cache_dir: Path | None = None
    latex: bool = False
    device: Device = "auto"

    @field_validator("methods")
    @classmethod
    def _known(cls, methods: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in methods or ():
            if name not in BASELINES and _MEM.fullmatch(name) is None:
                raise ValueError(
                    f"no method is called {name!r}; there are {', '.join(BASELINES)}, mem-K, mem-K-natural "
                    "(K from 1 to 20), the last two also with -end or -random"
                )
        return methods


def trigger_settings(method: str) -> dict[str, Any]:
    """The settings that the name "mem-K[-natural][-end|-random]" stands for; none for any other method."""
    found = _MEM.fullmatch(method)
    if found is None:
        return {}
    return {
        "trigger_length": int(found[1]),
        "trigger_vocabulary": "natural" if found[2] else "words",
        "trigger_position": found[3] or "start",
    }
