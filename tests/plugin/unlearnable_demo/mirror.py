"""An attack: photos mirrored left to right."""

from __future__ import annotations

import numpy as np

from unlearnable.verify.attacks.base import AttackFamily, on_photos

MIRROR = AttackFamily(on_photos(lambda pixels, _: np.ascontiguousarray(pixels[:, ::-1])))
