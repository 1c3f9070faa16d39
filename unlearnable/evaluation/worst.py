"""The attacker against whom protection held least."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from unlearnable.evaluation.findings import WAYS, clean_cells, effect_interval, protected_cells
from unlearnable.results import Cell, Finding, References, Retrieval, WorstFinding


def worst_finding(
    some: Iterable[Finding], cells: Sequence[Cell], references: References, photo_of_caption: Sequence[int] = ()
) -> WorstFinding | None:
    """Return the finding of the smallest effect, mean of both directions; None where none can be judged.

    Args:
        some: findings to choose from.
        cells: all of a run.
        references: what the cells are compared with.
        photo_of_caption: photo of each caption of the gallery; empty where caption n is that of photo n.
    """
    judged = [(mean_effect(finding), finding) for finding in some]
    known = [(effect, finding) for effect, finding in judged if effect is not None]
    if not known:
        return None
    effect, finding = min(known, key=lambda pair: pair[0])
    protected = protected_cells(cells, finding)
    ends = effect_interval(clean_cells(cells, finding), protected, WAYS, photo_of_caption, references.random)
    return WorstFinding(
        victim=finding.victim,
        through=finding.through,
        attacker=finding.attacker,
        effect=effect,
        effect_low=ends.low if ends else None,
        effect_high=ends.high if ends else None,
        image_to_text=_over_seeds([cell.image_to_text for cell in protected]),
        text_to_image=_over_seeds([cell.text_to_image for cell in protected]),
    )


def mean_effect(finding: Finding) -> float | None:
    """Return the effect against random ranking, mean of the directions that can be judged.

    None where none can, or where the finding as a whole cannot, as of a victim that knew such photos already.
    """
    if not finding.judged_by:
        return None
    known = [effect for effect in (finding.effect, finding.effect_image_to_text) if effect is not None]
    return fmean(known) if known else None


def _over_seeds(scores: Sequence[Retrieval]) -> Retrieval:
    def mean(of: Callable[[Retrieval], float]) -> float:
        return fmean(map(of, scores))

    return Retrieval(
        hit1=mean(lambda s: s.hit1), hit5=mean(lambda s: s.hit5), hit10=mean(lambda s: s.hit10),
        medr=mean(lambda s: s.medr),
    )  # fmt: skip
