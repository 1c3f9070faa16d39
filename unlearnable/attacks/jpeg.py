"""Photos saved as JPEG of that quality (1 to 100), colour at half size."""

from __future__ import annotations

from unlearnable.attacks import steps
from unlearnable.attacks.base import Family, photos

JPEG = Family(photos(steps.jpeg), numbers=range(1, 101), usual=(95, 85, 75, 50))
