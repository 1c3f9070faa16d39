"""The table of a `verify` run, the same on the page and on the terminal: mean and spread over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev

from unlearnable.config import AS_PUBLISHED, AS_USUAL
from unlearnable.results import BothWays, Cell, Retrieval, VerifyReport


@dataclass(frozen=True)
class ScoreRow:
    """One row of the table, as text.

    Attributes:
        victim: the name of the model, without its folder; empty for random ranking.
        arm: what it was trained on, or the reference that it is compared with.
        image_hit: image→text Hit@10, in per cent, with its standard deviation over the seeds.
        image_medr: image→text Medr, a rank from 1.
        text_hit: text→image Hit@10, in per cent, with its standard deviation over the seeds.
        text_medr: text→image Medr, a rank from 1.
    """

    victim: str
    arm: str
    image_hit: str
    image_medr: str
    text_hit: str
    text_medr: str


def table_rows(report: VerifyReport) -> list[ScoreRow]:
    """Return the rows: random ranking first, then each victim before training and after each arm."""
    rows = [_reference("", "random ranking", report.references.random)]
    for name in dict.fromkeys(cell.victim for cell in report.cells):
        victim = Path(name).name
        if name in report.references.pretrained:
            rows.append(_reference(victim, "before training", report.references.pretrained[name]))
        own = [cell for cell in report.cells if cell.victim == name]
        for label in dict.fromkeys(arm_label(cell) for cell in own):
            rows.append(_over_seeds(victim, label, [cell for cell in own if arm_label(cell) == label]))
        published = [cell for cell in own if cell.shortcut and cell.through == AS_PUBLISHED]
        for attacker in dict.fromkeys(cell.attacker for cell in published):
            shortcuts = [cell.shortcut for cell in published if cell.shortcut and cell.attacker == attacker]
            rows.append(_over_seeds(victim, _label("protected posts as published", attacker), shortcuts))
    return rows


def arm_label(cell: Cell) -> str:
    """Return what a reader sees of a cell's arm: what was trained on, through which attack, by which attacker."""
    return _label(cell.data if cell.through == AS_PUBLISHED else f"{cell.data}, {cell.through}", cell.attacker)


def _label(arm: str, attacker: str) -> str:
    return arm if attacker == AS_USUAL else f"{arm}, {attacker}"


def _reference(victim: str, arm: str, scores: BothWays) -> ScoreRow:
    """Return the row of scores that depend on no seed."""
    image, text = scores.image_to_text, scores.text_to_image
    return ScoreRow(victim, arm, f"{image.hit10:.1f}", f"{image.medr:g}", f"{text.hit10:.1f}", f"{text.medr:g}")


def _over_seeds(victim: str, arm: str, scores: Sequence[Cell | BothWays]) -> ScoreRow:
    """Return the row of scores, one a seed."""
    image, text = [one.image_to_text for one in scores], [one.text_to_image for one in scores]
    return ScoreRow(victim, arm, _hit10(image), _medr(image), _hit10(text), _medr(text))


def _hit10(seeds: Sequence[Retrieval]) -> str:
    values = [one.hit10 for one in seeds]
    return f"{fmean(values):.1f}" if len(values) < 2 else f"{fmean(values):.1f} ±{pstdev(values):.1f}"


def _medr(seeds: Sequence[Retrieval]) -> str:
    return f"{fmean(one.medr for one in seeds):.3g}"
