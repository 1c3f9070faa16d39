"""Findings in words: the verdict, and for people without figures how often a model finds the right photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from unlearnable.config import AS_PUBLISHED, AS_USUAL, changing
from unlearnable.evaluation.findings import clean_cells
from unlearnable.results import Cell, Finding, Outcome, References, WorstFinding

MOST_NAMED = 4
_SAYING: dict[Outcome, str] = {
    "holds": "protection held against",
    "does not hold": "it did not hold against",
    "too few posts to tell": "more posts or seeds are needed to judge it against",
}


def verdict(
    all_findings: Sequence[Finding], worst: WorstFinding | None = None, worst_adaptive: WorstFinding | None = None
) -> str:
    """Return the findings in plain words, opening with the worst outcome: by name where they are few, else counted.

    Adaptive attacks and attackers do not make the outcome unless there are no others: they are named at the end where
    they come out worse.

    Args:
        all_findings: of a run.
        worst: of those that are not adaptive.
        worst_adaptive: of those that are.
    """
    order: tuple[Outcome, ...] = ("does not hold", "too few posts to tell", "holds")
    judged = [finding for finding in all_findings if not finding.adaptive] or all_findings
    first = next(outcome for outcome in order if any(finding.outcome == outcome for finding in judged))
    parts = []
    for outcome in reversed(order):
        if names := [name_of(finding) for finding in judged if finding.outcome == outcome]:
            few = len(judged) <= MOST_NAMED
            parts.append(f"{_SAYING[outcome]} {', '.join(names) if few else f'{len(names)} of {len(judged)} tests'}")
    parts += _one_sided(judged)
    if worst:
        parts.append(f"least effect {_measured(worst)}")
    if worst_adaptive and (worst is None or worst_adaptive.effect < worst.effect):
        parts.append(f"made against this tool, {_measured(worst_adaptive)}")
    return f"{first}: {'; '.join(parts)}"


def _one_sided(judged: Sequence[Finding]) -> list[str]:
    """Return a remark on outcomes that one direction alone decides, which is little to go by in a small gallery."""
    names = [name_of(finding) for finding in judged if len(finding.judged_by) == 1]
    if not names:
        return []
    shown = ", ".join(names) if len(judged) <= MOST_NAMED else f"{len(names)} of {len(judged)} tests"
    return [f"one direction alone could be judged against {shown}"]


def in_words(worst: WorstFinding, cells: Sequence[Cell], references: References, photos: int) -> str:
    """Return a sentence on the worst finding: how often a model finds the photo of a caption, in tenths.

    Args:
        worst: of `cells`.
        cells: all of a run; the clean ones of the same victim and attacker are compared with.
        references: random ranking, for what guessing gives.
        photos: in the gallery.
    """
    clean = fmean(cell.text_to_image.hit10 for cell in clean_cells(cells, worst))
    guessing = references.random.text_to_image.hit10
    named = ", ".join([Path(worst.victim).name, *changing(worst.through, worst.attacker)])
    return (
        f"At worst ({named}), a model trained on the protected posts finds the right photo for a caption, "
        f"among the first 10 of {photos}, {tenths(worst.text_to_image.hit10)}; trained on the clean posts "
        f"{tenths(clean)}; guessing, {tenths(guessing)}."
    )


def name_of(finding: Finding | WorstFinding) -> str:
    """Return victim, attack and attacker of a finding, without those that change nothing."""
    through = "" if finding.through == AS_PUBLISHED else f" through {finding.through}"
    attacker = "" if finding.attacker == AS_USUAL else f" with attacker {finding.attacker}"
    return f"{Path(finding.victim).name}{through}{attacker}"


def _measured(worst: WorstFinding) -> str:
    low, high = worst.effect_low, worst.effect_high
    known = low is not None and high is not None
    ends = f"{low:.2f} to {high:.2f} with these photos and seeds" if known else "interval not known"
    return f"{worst.effect:.2f} ({ends}) against {name_of(worst)}"


def tenths(per_cent: float) -> str:
    """Return how often something happens, in times out of ten."""
    times = round(per_cent / 10)
    return f"{times} times in 10" if times > 1 else "once in 10" if times else "hardly ever"
