"""Settings of `verify`, and the suites of attacks and attackers that it knows by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from unlearnable.settings.base import DefaultText, DeviceSetting, Seed, Seeds, Settings, ToldApart
from unlearnable.settings.train import Epochs, Rate

AS_PUBLISHED = "png"
"""The attack that changes nothing: photos and captions stay as they were published."""

AS_USUAL = "plain"
"""The attacker that trains as usual."""


def changing(through: str, attacker: str) -> list[str]:
    """Return the names of an attack and an attacker without those that change nothing."""
    return [name for name in (through, attacker) if name not in (AS_PUBLISHED, AS_USUAL)]


Through = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="Attack that a scraper makes on the posts before training: png changes nothing, "
        "`unlearnable list attacks` lists the others.",
    ),
]
"""Names of attacks, which `unlearnable.verify.attacks.parse_attack` reads."""

Attackers = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="What an attacker does in the training to get past the protection; the clean posts are trained on "
        "in the same way. plain does nothing.",
    ),
]
"""Names in `unlearnable.verify.attackers.ATTACKERS`."""


SuiteName = Literal["quick", "standard", "full"]


class AttackSuite(NamedTuple):
    """Attacks that the plain attacker meets posts through, and attackers who train on posts as they were published.

    A complete one has all attacks and attackers, and clean posts through each attack on photos, which tells its cost.
    """

    through: tuple[str, ...]
    attackers: tuple[str, ...]  # besides the plain one
    complete: bool = False


SUITES: dict[SuiteName, AttackSuite] = {
    "quick": AttackSuite((AS_PUBLISHED, "jpeg-75", "strip-trigger"), ()),
    "standard": AttackSuite(
        (
            AS_PUBLISHED, "jpeg-75", "jpeg-10", "avif-60", "downup-50", "grayscale", "noise-8", "tv-5", "nlmeans",
            "wavelet", "sharpen-150", "rotate-5", "strip-trigger", "drop-odd-words",
        ),
        (
            "cutout", "cutmix", "mixup", "ueraser-max", "adversarial", "frozen", "probe", "drop-dissimilar",
        ),
    ),
    "full": AttackSuite(
        ("resize-512+jpeg-75", "grayscale+strip-trigger", "downup-50+jpeg-75+strip-trigger"), (), complete=True
    ),
}  # fmt: skip

NEVER_TESTED = ("diffusion purification", "recaptioning by a large vision-language model")
"""What attackers are known to do and no suite holds."""


class VerifySettings(Settings):
    """Everything a `verify` run depends on; `epochs` and `lr` depend on the victim where they are not given."""

    originals: Annotated[
        Path,
        Field(description="Folder of the original photos, or their caption file."),
        DefaultText("those of the last protect run"),
    ]
    protected: Annotated[
        Path,
        Field(description="Folder of the protected copies, or their caption file."),
        DefaultText("ORIGINALS-protected"),
    ]
    captions: Annotated[
        Path | None,
        Field(description="Caption file of the originals; `people` for folders of faces, here and below."),
        DefaultText("one that is found in the folder"),
    ] = None
    test: Annotated[
        Path | None,
        Field(description="Folder of clean photos to rank, or their caption file."),
        DefaultText("a share of the originals, --test-fraction"),
    ] = None
    test_fraction: Annotated[
        float, Field(gt=0, lt=1, description="Share of the originals held out to be ranked where there is no --test.")
    ] = 0.2
    background: Annotated[
        Path | None,
        Field(description="Folder or caption file of other people's clean posts to train every victim on as well."),
    ] = None
    crowd: Annotated[
        Path | None,
        Field(
            description="Folder or caption file of other people's clean posts to train on and to rank: measures what "
            "is learnt of the protected people among them."
        ),
    ] = None
    crowd_test: Annotated[
        Path | None,
        Field(description="Folder of the crowd's photos to rank, or their caption file."),
        DefaultText("the test split of the crowd, or the share --test-fraction"),
    ] = None
    leaked: Annotated[
        float,
        Field(ge=0, lt=1, description="Share of the protected photos that leaked clean, beside --crowd."),
    ] = 0.5
    victims: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="Model to train on the posts: small, conv-small, resnet-small and vit-small (bundled), an "
            "open_clip name with its weights such as RN50:openai, or a checkpoint.",
        ),
        ToldApart,
    ] = ("small", "conv-small")  # no preset makes noise on the second
    from_scratch: Annotated[bool, Field(description="Train from random weights in place of fine-tuning.")] = False
    epochs: Epochs = None
    lr: Rate = None
    suite: Annotated[
        SuiteName | None,
        Field(
            description="Set of attacks and attackers to test: quick takes minutes, standard is for a table, full is "
            "all that is installed. --through and --attacker add to it."
        ),
    ] = None
    through: Through = (AS_PUBLISHED,)
    attackers: Attackers = (AS_USUAL,)
    ablations: Annotated[
        bool, Field(description="Train also on noise alone, on triggers alone, and on random noise and words.")
    ] = False
    seeds: Seeds = (0, 1, 2)
    seed: Annotated[Seed, Field(description="Seed that draws the held-out photos.")] = 0
    require: Annotated[
        tuple[str, ...],
        Field(
            description='Requirement on every victim and attack, such as "hit10<=10", "medr>=30" or "effect>=0.9"; '
            "the exit code is 10 where one is missed."
        ),
    ] = ()
    output: Annotated[
        Path | None, Field(description="Folder of the report and its cells."), DefaultText("PROTECTED.verify")
    ] = None
    device: DeviceSetting = "auto"

    @model_validator(mode="after")
    def _crowd_is_given(self) -> VerifySettings:
        if self.crowd_test is not None and self.crowd is None:
            raise ValueError("`crowd_test` needs the posts that victims are trained on, `crowd`")
        if self.crowd is None and self.leaked != type(self).model_fields["leaked"].default:
            raise ValueError("`leaked` needs other people's posts, `crowd`")
        return self

    @property
    def copies(self) -> Path:
        """Folder of the protected copies."""
        return self.protected.parent if self.protected.is_file() else self.protected
