"""The attack of one who has this tool: a network that was trained on pairs of our own making takes the noise away.

As LightShed does to other tools' noise (Foerster et al., USENIX Security 2025). `tools/attacks/train_depurify.py` is
the recipe.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from unlearnable.verify.attacks.base import AttackFamily, Pixels, on_photos
from unlearnable.verify.attacks.photos import resize

if TYPE_CHECKING:
    from unlearnable.models.purifier import Purifier


SIDE = 224  # pixels: the short side to which photos are reduced, twice that of the noise's grid


def depurify(pixels: Pixels, _: int) -> Pixels:
    """Return `pixels` with the short side reduced to `SIDE` at most, and without the noise that is seen in them."""
    import torch

    small = resize(pixels, SIDE)
    photo = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1))).float()
    return np.ascontiguousarray(_purifier().purify(photo).byte().numpy().transpose(1, 2, 0))


@cache
def _purifier() -> Purifier:
    from unlearnable.models import purifier

    return purifier.load()


DEPURIFY = AttackFamily(on_photos(depurify), adaptive=True)
