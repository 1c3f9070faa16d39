"""Lossless, as `protect` writes: nothing changes; what the others are to be compared with."""

from __future__ import annotations

from unlearnable.attacks.base import Family, photos

PNG = Family(photos(lambda pixels, _: pixels), default=0)
