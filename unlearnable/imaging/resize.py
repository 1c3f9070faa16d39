"""Reduce a picture to another size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from unlearnable.imaging.picture import Picture

REDUCED_FROM = "reduced from"  # what a note begins with that tells the size before


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Return a picture in another size (Lanczos, antialiased); itself where it has that size."""
    if (height, width) == (picture.height, picture.width):
        return picture
    layers = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    image = Image.fromarray(layers).resize((width, height), Image.Resampling.LANCZOS)  # weighs colours by alpha
    layers = np.array(image)
    return replace(
        picture,
        pixels=np.ascontiguousarray(layers[..., :3]),
        alpha=None if picture.alpha is None else np.ascontiguousarray(layers[..., 3]),
        lost=(*picture.lost, f"{REDUCED_FROM} {picture.width} x {picture.height}"),
    )
