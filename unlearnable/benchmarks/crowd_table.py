"""The table of a benchmark of people in a crowd, a row for each number of protected people, victim and arm."""

from __future__ import annotations

from pathlib import Path

from unlearnable.config import AS_PUBLISHED
from unlearnable.results import BenchmarkReport, CrowdFigures, TableRecord
from unlearnable.verify.page import LABELS, hit_with_interval, rank, with_interval

HEADS = [
    "protected people, victim", "trained on beside the crowd", "image→text Hit@10", "image→text Medr",
    "text→image Hit@10", "text→image Medr", "known by name", "others' Hit@10",
]  # fmt: skip
NOTES = (
    "Queries of the protected people, ranked in a gallery of everyone. In brackets the 95 % interval over draws and "
    "seeds. Half leaked: some of their posts are clean. Nothing: none of their posts are trained on.",
    "Known by name: per cent of the protected people recognised by the identity inference attack; after training on "
    "nothing of theirs, of false alarms.",
    "Others' Hit@10: text→image, of everyone else; after training on clean posts, of the same people.",
)


def crowd_table(report: BenchmarkReport) -> TableRecord:
    """Return the table of the people in a crowd."""
    several = {(one.people, one.draws) for one in report.crowd}
    drawn = ", ".join(f"{draws} of {people}" for people, draws in sorted(several))
    return TableRecord(
        title=f"People in a crowd, {report.title}",
        heads=HEADS,
        rows=[_row(one) for one in report.crowd],
        notes=[*NOTES, f"Draws of so many protected people: {drawn}.", *_about_figures(report), *report.differs],
    )


def _about_figures(report: BenchmarkReport) -> list[str]:
    """Return what a gallery in random order comes to, and what the intervals of this run do not know."""
    image, text = report.random.image_to_text, report.random.text_to_image
    notes = [f"Random ranking: image→text Hit@10 {image.hit10:.1f}, text→image {text.hit10:.1f}."]
    if any(one.draws == 1 for one in report.crowd):
        notes.append("An interval of a single draw says nothing of other people: give more with --crowd-draws.")
    if len({cell.seed for cell in report.crowd_cells}) == 1:
        notes.append("An interval of a single seed says nothing of other trainings: give more with --seeds.")
    return notes


def _row(one: CrowdFigures) -> list[str]:
    made = [one.method, *([one.through] if one.through != AS_PUBLISHED else [])] if one.method else []
    image, text = one.image_to_text, one.text_to_image
    return [
        f"{one.people}, {Path(one.victim).name}",
        ", ".join(filter(None, [LABELS[one.arm], *made])),
        hit_with_interval(image),
        rank(image.medr),
        hit_with_interval(text),
        rank(text.medr),
        _known(one),
        hit_with_interval(one.others_text_to_image),
    ]


def _known(one: CrowdFigures) -> str:
    known = one.idia_fpr if one.arm == "absent" else one.idia_tpr
    if known is None or one.idia_low is None or one.idia_high is None:
        return "-"
    return with_interval(100 * known, 100 * one.idia_low, 100 * one.idia_high)
