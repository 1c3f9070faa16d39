"""Settings of `explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from unlearnable.config.protect import Device, Seed


class ExplainSettings(BaseModel):
    """Everything an `explain` run depends on: a photo to be explained, posts to be mapped, or both.

    `caption` and `trigger` may be left out for a photo that `protect` wrote, whose manifest has them. `map` is one
    folder for all models, or one for each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    photo: Path | None = None
    caption: str | None = None
    trigger: str | None = None
    model: Annotated[tuple[str, ...], Field(min_length=1)]
    map: tuple[Path, ...] = ()
    map_captions: tuple[Path, ...] = ()
    map_posts: Annotated[int, Field(ge=2, le=20, description="posts on the map, drawn with the seed")] = 8
    output: Path = Path("explained")
    seed: Seed = 0
    device: Device = "auto"
