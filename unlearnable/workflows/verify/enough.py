"""Whether there are photos enough to judge a protection by, which is said before anything is trained."""

from __future__ import annotations

import math

from unlearnable.config import VerifySettings
from unlearnable.evaluation.findings import LEAST_GAP
from unlearnable.results import BothWays
from unlearnable.workflows.verify.splits import NAMED

MOST_BY_CHANCE = 50.0  # Hit@10 of a random order, in per cent
NEEDED = 20  # photos in the gallery, of which a random order has that Hit@10


def too_few(settings: VerifySettings, random: BothWays, source: str) -> str:
    """Return a line on a gallery of too few photos, with the number that is needed; empty where there are enough.

    Args:
        settings: say how photos are held out.
        random: scores of the gallery in random order.
        source: where the held-out photos come from.
    """
    by_chance = random.text_to_image.hit10
    if by_chance <= MOST_BY_CHANCE:
        return ""
    judged = ", which cannot be judged" if by_chance > 100 - LEAST_GAP else ""
    remedy = "in --test"
    if source == NAMED:
        remedy = "by a split that the data names, or of faces one of each person, or give others with --test"
    elif settings.test is None:
        photos = math.ceil(NEEDED / settings.test_fraction)
        remedy = f"which a share of {settings.test_fraction:g} holds out of {photos} photos, or give others with --test"
    return (
        f"so few photos are held out that a random order has a Hit@10 of {by_chance:.0f} %{judged}: "
        f"at least {NEEDED} are needed, {remedy}"
    )
