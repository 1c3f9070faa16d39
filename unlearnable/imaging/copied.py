"""A photo as its copy has it, but for the noise: in the copy's size and opacity."""

from __future__ import annotations

from unlearnable.imaging.encode import on_white
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import resized


def as_copied(original: Picture, copy: Picture) -> Picture:
    """Return the original in the size of its copy, and opaque where the copy is."""
    picture = resized(original, copy.height, copy.width)
    return on_white(picture) if copy.alpha is None else picture


def is_reduced(original: Picture, copy: Picture) -> bool:
    """Return whether the copy has the size of its original, or one that it is reduced to: smaller, of that shape."""
    if (copy.height, copy.width) == (original.height, original.width):
        return True
    if copy.height >= original.height or copy.width >= original.width:
        return False
    scale = max(copy.height / original.height, copy.width / original.width)
    return abs(original.height * scale - copy.height) <= 1 and abs(original.width * scale - copy.width) <= 1
