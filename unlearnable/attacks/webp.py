"""Photos saved as lossy WebP of that quality (0 to 100)."""

from __future__ import annotations

from unlearnable.attacks import steps
from unlearnable.attacks.base import Family, Pixels, photos


def _webp(pixels: Pixels, quality: int) -> Pixels:
    return steps.saved(pixels, "WEBP", quality=quality)


WEBP = Family(photos(_webp), numbers=range(101), usual=(80,))
