"""The page of a `verify` run and the tables on it, which the terminal shows too: means and their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from unlearnable.report import (
    BothWays,
    Cell,
    CrowdArm,
    CrowdRecord,
    CrowdScores,
    Finding,
    MeanRetrieval,
    Retrieval,
    VerifyReport,
)
from unlearnable.report.curves import Chart, chart, mean_curve
from unlearnable.report.html import templates
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, changing
from unlearnable.verify.findings import WAYS, Way, hit_interval
from unlearnable.verify.intervals import Interval
from unlearnable.wording import grouped

MOODS = {"holds": "good", "does not hold": "bad"}  # colour of the verdict


@dataclass(frozen=True)
class ScoreRow:
    """One row of the table, as text.

    Attributes:
        victim: the name of the model, without its folder; empty for random ranking.
        arm: what it was trained on, or the reference that it is compared with.
        image_hit: image→text Hit@10, in per cent, with its 95 % interval over photos and seeds.
        image_medr: image→text Medr, a rank from 1.
        text_hit: text→image Hit@10, in per cent, with its 95 % interval over photos and seeds.
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
    for name, own in grouped((cell.victim, cell) for cell in report.cells).items():
        victim = Path(name).name
        if name in report.references.pretrained:
            rows.append(_reference(victim, "before training", report.references.pretrained[name]))
        for label, cells in grouped((arm_label(cell), cell) for cell in own).items():
            ends = {way: hit_interval(cells, way, report.gallery.photo_of_caption) for way in WAYS}
            rows.append(_over_seeds(victim, label, cells, ends))
        published = ((one.attacker, one.shortcut) for one in own if one.shortcut and one.through == AS_PUBLISHED)
        for attacker, shortcuts in grouped(published).items():
            rows.append(_over_seeds(victim, _label("protected posts as published", attacker), shortcuts, {}))
    return rows


def matrix_rows(report: VerifyReport) -> list[tuple[str, list[str]]]:
    """Return the rows of the matrix: attack or attacker, with a star where it is adaptive, and the victims' effects."""
    return [
        (
            _label(row.through, row.attacker) + (" *" if row.adaptive else ""),
            [_effect(row.effects.get(victim.name)) for victim in report.victims],
        )
        for row in report.matrix
    ]


def finding_line(finding: Finding) -> str:
    """Return a finding as a line: the effects in both directions, with the interval of the first, and the outcome."""
    trained = _label(finding.through, finding.attacker)
    judged = bool(finding.judged_by)
    known = judged and finding.effect_low is not None
    ends = f" ({finding.effect_low:.2f} to {finding.effect_high:.2f})" if known else ""
    there, back = (_effect(one if judged else None) for one in (finding.effect, finding.effect_image_to_text))
    effects = f"{there}{ends} text->image, {back} image->text"
    return f"{Path(finding.victim).name}, {trained}: effect {effects}: {finding.outcome}"


def arm_label(cell: Cell) -> str:
    """Return what a reader sees of a cell's arm: what was trained on, through which attack, by which attacker."""
    return _label(cell.data if cell.through == AS_PUBLISHED else f"{cell.data}, {cell.through}", cell.attacker)


def _label(arm: str, attacker: str) -> str:
    return arm if attacker == AS_USUAL else f"{arm}, {attacker}"


def _reference(victim: str, arm: str, scores: BothWays) -> ScoreRow:
    """Return the row of scores that depend on no seed."""
    image, text = scores.image_to_text, scores.text_to_image
    return ScoreRow(victim, arm, f"{image.hit10:.1f}", f"{image.medr:g}", f"{text.hit10:.1f}", f"{text.medr:g}")


def _over_seeds(
    victim: str, arm: str, scores: Sequence[Cell | BothWays], ends: Mapping[Way, Interval | None]
) -> ScoreRow:
    """Return the row of scores, one a seed, with the intervals of Hit@10 that are known."""
    image, text = [one.image_to_text for one in scores], [one.text_to_image for one in scores]
    hits = _hit10(image, ends.get("image_to_text")), _hit10(text, ends.get("text_to_image"))
    return ScoreRow(victim, arm, hits[0], _medr(image), hits[1], _medr(text))


def _hit10(seeds: Sequence[Retrieval], ends: Interval | None) -> str:
    mean = fmean(one.hit10 for one in seeds)
    return f"{mean:.1f}" if ends is None else with_interval(mean, ends.low, ends.high)


def _effect(effect: float | None) -> str:
    return "-" if effect is None else f"{effect:.2f}"


def with_interval(per_cent: float, low: float, high: float) -> str:
    """Return a share with its interval, as 41 (33 to 50)."""
    return f"{_short(per_cent)} ({_short(low)} to {_short(high)})"


def rank(mean: float) -> str:
    """Return a mean rank, with a decimal where it has one."""
    return f"{round(mean, 1):g}"


def _short(per_cent: float) -> str:
    """Return a share with a decimal only where it is small, so that an interval fits a column."""
    return f"{per_cent:.1f}" if per_cent < 9.95 else f"{per_cent:.0f}"


def _medr(seeds: Sequence[Retrieval]) -> str:
    return rank(fmean(one.medr for one in seeds))


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
        rows.append(_row(victim, _label_crowd_rows(arm, through, report.attacker), arm, report.arms[arm][victim]))
    return rows + [
        _row(one.victim, _label_crowd_rows(one.arm, one.through, one.attacker), one.arm, one) for one in report.further
    ]


def hit_with_interval(scores: MeanRetrieval) -> str:
    """Return Hit@10 with its interval, in per cent."""
    return with_interval(scores.hit10, scores.low, scores.high)


def _label_crowd_rows(arm: CrowdArm, through: str, attacker: str) -> str:
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


def verify_page(report: VerifyReport) -> str:
    """Return the page of a `verify` run: the verdict, the table, the curves, references, and how to read them."""
    charts = {victim: _charts(own) for victim, own in grouped((cell.victim, cell) for cell in report.cells).items()}
    outcomes = {finding.outcome for finding in report.findings if not finding.adaptive}
    mood = MOODS.get(outcomes.pop(), "") if len(outcomes) == 1 else ""
    attackers = any(finding.attacker != AS_USUAL for finding in report.findings)
    through = any(finding.effect_through is not None for finding in report.findings)
    page = templates().get_template("verify.html")
    shown = {
        "attackers": attackers,
        "through": through,
        "matrix": matrix_rows(report),
        "beside": crowd_rows(report.crowd) if report.crowd else [],
    }
    return page.render(report=report, rows=table_rows(report), charts=charts, mood=mood, **shown)


def _charts(own: Sequence[Cell]) -> list[Chart]:
    """Return the charts of loss and held-out Medr of each arm of a victim, mean over the seeds."""
    losses, ranks = {}, {}
    for label, cells in grouped((arm_label(cell), cell) for cell in own).items():
        losses[label] = mean_curve([cell.loss_curve for cell in cells])
        ranks[label] = mean_curve([cell.medr_curve for cell in cells])
    drawn = chart("training loss", losses), chart("held-out Medr, text to image", ranks)
    return [one for one in drawn if one is not None]
