"""The table of a `verify` run, the same on the page and on the terminal: mean and spread over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev

from unlearnable.config import AS_PUBLISHED
from unlearnable.results import BothWays, Cell, Data, VerifyReport


@dataclass(frozen=True)
class Row:
    """One line: Hit@10 in per cent and Medr, both ways, as text; `spread` is the deviation over the seeds."""

    victim: str
    arm: str
    image_hit: str
    image_medr: str
    text_hit: str
    text_medr: str


def table_rows(report: VerifyReport) -> list[Row]:
    """Random ranking first, then each victim: before training, then every arm."""
    rows = [_plain("", "random ranking", report.references.random)]
    for name in dict.fromkeys(cell.victim for cell in report.cells):
        victim = Path(name).name
        if name in report.references.pretrained:
            rows.append(_plain(victim, "before training", report.references.pretrained[name]))
        own = [cell for cell in report.cells if cell.victim == name]
        for data, through in dict.fromkeys((cell.data, cell.through) for cell in own):
            cells = [cell for cell in own if (cell.data, cell.through) == (data, through)]
            rows.append(_over_seeds(victim, arm_label(data, through), cells))
        if shortcuts := [cell.shortcut for cell in own if cell.shortcut and cell.through == AS_PUBLISHED]:
            rows.append(_shortcut(victim, shortcuts))
    return rows


def arm_label(data: Data, through: str) -> str:
    """Return what a reader sees of an arm: what was trained on, and the attack it went through, if any."""
    return data if through == AS_PUBLISHED else f"{data}, {through}"


def _plain(victim: str, arm: str, figures: BothWays) -> Row:
    there, back = figures.image_to_text, figures.text_to_image
    return Row(victim, arm, f"{there.hit10:.1f}", f"{there.medr:g}", f"{back.hit10:.1f}", f"{back.medr:g}")


def _over_seeds(victim: str, arm: str, cells: Sequence[Cell]) -> Row:
    there, back = [cell.image_to_text for cell in cells], [cell.text_to_image for cell in cells]
    return Row(
        victim,
        arm,
        _spread([figures.hit10 for figures in there]),
        f"{fmean(figures.medr for figures in there):.3g}",
        _spread([figures.hit10 for figures in back]),
        f"{fmean(figures.medr for figures in back):.3g}",
    )


def _shortcut(victim: str, shortcuts: Sequence[BothWays]) -> Row:
    return Row(
        victim,
        "protected posts as published",
        _spread([one.image_to_text.hit10 for one in shortcuts]),
        f"{fmean(one.image_to_text.medr for one in shortcuts):.3g}",
        _spread([one.text_to_image.hit10 for one in shortcuts]),
        f"{fmean(one.text_to_image.medr for one in shortcuts):.3g}",
    )


def _spread(values: Sequence[float]) -> str:
    return f"{fmean(values):.1f}" if len(values) < 2 else f"{fmean(values):.1f} ±{pstdev(values):.1f}"
