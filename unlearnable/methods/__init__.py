"""Ways to make a set of posts unlearnable."""

from typing import TYPE_CHECKING

from unlearnable.registry import Registry, Row

if TYPE_CHECKING:  # it brings torch, which a list of names does without
    from unlearnable.methods.base import Method

METHODS: "Registry[type[Method]]" = Registry(
    "method",
    {
        "mem": Row(
            "unlearnable.methods.algorithms:MEM",
            "MEM, Multi-step Error Minimization: noise and trigger minimise the loss of a surrogate in training "
            "(Eq. 4).",
        ),
        "em": Row(
            "unlearnable.methods.algorithms:EM",
            "EM, error-minimising noise carried over to image-caption pairs: MEM without the words (Eq. 2).",
        ),
        "uap": Row(
            "unlearnable.methods.algorithms:UAP",
            "UAP, untargeted adversarial noise against a surrogate trained on the clean posts (Eq. 3).",
        ),
        "random": Row(
            "unlearnable.methods.algorithms:RandomNoise",
            "Random noise and random words of the same size: what every claim is to be compared with.",
        ),
    },
    base="unlearnable.methods.base:Method",
    classes=True,
)
