"""Places where photos are posted: the size to which they would reduce a photo, and the JPEG quality to hand in.

Sources, with the date they were read, are in docs/guide/formats.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

PlatformName = Literal["web", "instagram", "facebook", "x", "mastodon"]


@dataclass(frozen=True)
class Platform:
    """What a place does to large photos.

    Attributes:
        quality: JPEG quality of the files to post there, from 1 to 100.
        width: largest width, in pixels; None for any.
        longest: largest side, in pixels; None for any.
        pixels: largest product of height and width; None for any.
    """

    quality: int
    width: int | None = None
    longest: int | None = None
    pixels: int | None = None

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) that a photo of this size is reduced to, in pixels; no photo is enlarged."""
        scale = min(
            1.0,
            (self.width or width) / width,
            (self.longest or max(height, width)) / max(height, width),
            math.sqrt((self.pixels or height * width) / (height * width)),
        )
        return (max(1, math.floor(height * scale + 1e-9)), max(1, math.floor(width * scale + 1e-9)))


PLATFORMS: dict[PlatformName, Platform] = {
    "web": Platform(quality=90, longest=2048),
    "instagram": Platform(quality=90, width=1080),
    "facebook": Platform(quality=90, longest=2048),
    "x": Platform(quality=85, longest=2048),
    "mastodon": Platform(quality=90, pixels=3840 * 2160),
}
