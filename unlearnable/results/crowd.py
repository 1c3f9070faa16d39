"""What models learnt of a few people among many others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearnable.results.common import Record, Retrieval

CrowdArm = Literal["clean", "protected", "half", "absent"]


class CrowdCell(Record):
    """One training beside a crowd: how well it finds the crowd's photos, and who is recognised."""

    other_text_ranks: list[int] = Field(description="Rank, from 1, of each held-out caption of the crowd.")
    recognised: list[bool] | None = Field(
        description="Whether the model recognises each protected person by name (IDIA); null where there are no names."
    )


class MeanRetrieval(Retrieval):
    """Scores of one direction as means over seeds, with the interval of Hit@10."""

    low: float = Field(description="Lower end of the 95 % interval of Hit@10, over photos and seeds, in per cent.")
    high: float = Field(description="Its upper end, in per cent.")


class CrowdScores(Record):
    """What one victim learnt of the protected people from one arm, and how well it finds the crowd's photos."""

    image_to_text: MeanRetrieval = Field(description="Each photo of the protected people ranks all captions.")
    text_to_image: MeanRetrieval = Field(description="Each caption of the protected people ranks all photos.")
    idia_tpr: float | None = Field(
        description="Share of the protected people whom a model trained with their posts recognises by name, 0 to 1; "
        "null without names, and for the arm without their posts."
    )
    idia_fpr: float | None = Field(
        description="The same share by a model trained without their posts, 0 to 1; null without names."
    )
    others_text_to_image: MeanRetrieval = Field(description="Each caption of the crowd ranks all photos.")


class FurtherScores(CrowdScores):
    """The same through another attack or by another attacker."""

    arm: CrowdArm = Field(description="What was trained on beside the crowd.")
    victim: str = Field(description="Model that was trained.")
    through: str = Field(description="Attack that protected posts went through first.")
    attacker: str = Field(description="What was done in the training; plain is nothing.")


class CrowdRecord(Record):
    """What models learnt of the protected people, each trained together with the crowd's clean posts."""

    protected_people: int | None = Field(description="People whose posts were protected; null without names.")
    crowd_people: int | None = Field(description="People in the crowd; null without names.")
    source: str = Field(description="Where the crowd's held-out photos come from, in words.")
    held_out: int = Field(description="Held-out photos of the protected people, whose queries are ranked.")
    crowd_held_out: int = Field(description="Held-out photos of the crowd in the same gallery.")
    leaked: int = Field(
        description="Training photos of the protected people that are clean in the arm half; 0 without this arm."
    )
    names: int | None = Field(description="Names that IDIA has a model choose from; null without names.")
    arms: dict[CrowdArm, dict[str, CrowdScores]] = Field(
        description="Scores by arm and victim, through the first attack and by the first attacker that were asked for."
    )
    through: str = Field(description="The first attack, which the protected posts in `arms` went through.")
    attacker: str = Field(description="The first attacker, who trained on all posts in `arms`; plain does nothing.")
    further: list[FurtherScores] = Field(
        description="Scores through further attacks and by further attackers; posts of which some leaked are only "
        "trained on through the attacks that were asked for by name, clean ones and none through no attack, png."
    )
    in_words: str = Field(description="The worst of it in a sentence for people.")
    notes: list[str] = Field(description="Why figures are missing, and how far they can be relied on.")
