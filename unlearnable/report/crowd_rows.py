"""The table of a `verify` run beside a crowd, the same on the page and on the terminal."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import NamedTuple

from unlearnable.config import AS_PUBLISHED, changing
from unlearnable.report.rows import with_interval
from unlearnable.results import CrowdArm, CrowdRecord, CrowdScores, MeanRetrieval

LABELS: dict[CrowdArm, str] = {
    "clean": "clean",
    "protected": "protected",
    "half": "half leaked",
    "absent": "nothing",
}


class CrowdRow(NamedTuple):
    """One row of the table, as text.

    Attributes:
        victim: the name of the model, without its folder.
        arm: what it was trained on beside the crowd.
        image_hit: image→text Hit@10 of the protected people with its interval, in per cent.
        text_hit: text→image Hit@10 of the protected people with its interval, in per cent.
        others: text→image Hit@10 of the crowd, in per cent.
        known: share of the protected people recognised by name, in per cent; "-" without names.
    """

    victim: str
    arm: str
    image_hit: str
    text_hit: str
    others: str
    known: str


def crowd_rows(report: CrowdRecord) -> list[CrowdRow]:
    """Return a row for each victim and arm, then those through further attacks and by further attackers."""
    trained = [arm for arm in LABELS if arm in report.arms]
    rows = []
    for victim, arm in product(report.arms["protected"], trained):
        through = report.through if arm in ("protected", "half") else AS_PUBLISHED
        rows.append(_row(victim, _label(arm, through, report.attacker), arm, report.arms[arm][victim]))
    return rows + [_row(one.victim, _label(one.arm, one.through, one.attacker), one.arm, one) for one in report.further]


def hit_with_interval(scores: MeanRetrieval) -> str:
    """Return Hit@10 with its interval, in per cent."""
    return with_interval(scores.hit10, scores.low, scores.high)


def _label(arm: CrowdArm, through: str, attacker: str) -> str:
    """Return what a reader sees of an arm: what was trained on, through which attack, by which attacker."""
    return ", ".join([LABELS[arm], *changing(through, attacker)])


def _row(victim: str, label: str, arm: CrowdArm, scores: CrowdScores) -> CrowdRow:
    known = scores.idia_fpr if arm == "absent" else scores.idia_tpr
    return CrowdRow(
        Path(victim).name,
        label,
        hit_with_interval(scores.image_to_text),
        hit_with_interval(scores.text_to_image),
        f"{scores.others_text_to_image.hit10:.0f}",
        "-" if known is None else f"{100 * known:.0f}",
    )
