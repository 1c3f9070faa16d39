"""What an attacker may do in a victim's training to learn from protected posts all the same."""

from typing import TYPE_CHECKING

from unlearnable.registry import Registry, Row
from unlearnable.settings import AS_USUAL

if TYPE_CHECKING:  # it brings torch, which a list of names does without
    from unlearnable.training.loop import Attacker


_HERE = "unlearnable.verify.attackers"
ATTACKERS: "Registry[Attacker]" = Registry(
    "attacker",
    {
        AS_USUAL: Row("unlearnable.training.loop:PLAIN", "Trains as usual; what the others are to be compared with."),
        "cutout": Row(f"{_HERE}.photos:CUTOUT", "Covers a square of half the side of every photo."),
        "cutmix": Row(
            f"{_HERE}.photos:CUTMIX",
            "Pastes a part of another photo into every photo; both captions count, each by its photo's area.",
        ),
        "mixup": Row(
            f"{_HERE}.photos:MIXUP",
            "Blends every photo with another one; both captions count, each by its photo's weight.",
        ),
        "ueraser-max": Row(
            f"{_HERE}.photos:UERASER_MAX",
            "Takes the one of five strongly changed versions of each photo that the model knows least (UEraser).",
        ),
        "adversarial": Row(
            f"{_HERE}.photos:ADVERSARIAL",
            "Moves every pixel by 2/255 to where the loss is higher before each step (adversarial training).",
        ),
        "frozen": Row(f"{_HERE}.selection:FROZEN", "Keeps the shallow half of the photo encoder as it is."),
        "probe": Row(
            f"{_HERE}.selection:PROBE",
            "Keeps all but the two projections and the logit scale as it is (linear probe).",
        ),
        "drop-dissimilar": Row(
            f"{_HERE}.selection:DROP_DISSIMILAR",
            "Leaves out the fifth of the pairs that the model before training finds least alike.",
        ),
    },
    base="unlearnable.training.loop:Attacker",
)
