"""The attacker against whom protection held least, and what that means, for people without figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean

from unlearnable.config import AS_PUBLISHED, AS_USUAL
from unlearnable.results import Cell, Finding, References, Retrieval, WorstFinding


def worst_finding(all_findings: Iterable[Finding], cells: Sequence[Cell]) -> WorstFinding | None:
    """Return the finding of the smallest effect, mean of both directions; None where none can be judged."""
    judged = [(_effect(finding), finding) for finding in all_findings]
    known = [(effect, finding) for effect, finding in judged if effect is not None]
    if not known:
        return None
    effect, finding = min(known, key=lambda pair: pair[0])
    wanted = ("protected", finding.victim, finding.through, finding.attacker)
    protected = [cell for cell in cells if (cell.data, cell.victim, cell.through, cell.attacker) == wanted]
    return WorstFinding(
        victim=finding.victim,
        through=finding.through,
        attacker=finding.attacker,
        effect=effect,
        image_to_text=_over_seeds([cell.image_to_text for cell in protected]),
        text_to_image=_over_seeds([cell.text_to_image for cell in protected]),
    )


def in_words(worst: WorstFinding, cells: Sequence[Cell], references: References, photos: int) -> str:
    """Return a sentence on the worst finding: how often a model finds the photo of a caption, in tenths.

    Args:
        worst: of `cells`.
        cells: all of a run; the clean ones of the same victim and attacker are compared with.
        references: random ranking, for what guessing gives.
        photos: in the gallery.
    """
    clean = fmean(
        cell.text_to_image.hit10
        for cell in cells
        if (cell.data, cell.victim, cell.attacker) == ("clean", worst.victim, worst.attacker)
    )
    guessing = references.random.text_to_image.hit10
    return (
        f"At worst ({_named(worst)}), a model trained on the protected posts finds the right photo for a caption, "
        f"among the first 10 of {photos}, {tenths(worst.text_to_image.hit10)}; trained on the clean posts "
        f"{tenths(clean)}; guessing, {tenths(guessing)}."
    )


def _effect(finding: Finding) -> float | None:
    known = [effect for effect in (finding.effect, finding.effect_image_to_text) if effect is not None]
    return fmean(known) if known else None


def _over_seeds(scores: Sequence[Retrieval]) -> Retrieval:
    def mean(of: Callable[[Retrieval], float]) -> float:
        return fmean(map(of, scores))

    return Retrieval(
        hit1=mean(lambda s: s.hit1), hit5=mean(lambda s: s.hit5), hit10=mean(lambda s: s.hit10),
        medr=mean(lambda s: s.medr),
    )  # fmt: skip


def _named(worst: WorstFinding) -> str:
    changes = [name for name in (worst.through, worst.attacker) if name not in (AS_PUBLISHED, AS_USUAL)]
    return ", ".join([Path(worst.victim).name, *changes])


def tenths(per_cent: float) -> str:
    """Return how often something happens, in times out of ten."""
    times = round(per_cent / 10)
    return f"{times} times in 10" if times > 1 else "once in 10" if times else "hardly ever"
