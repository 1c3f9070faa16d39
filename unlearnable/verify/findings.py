"""The figures of single held-out photos, which intervals are drawn from: captions of one photo count together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, pstdev
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unlearnable.report import BothWays, Cell, Finding, MatrixRow, Outcome, References, Retrieval, WorstFinding
from unlearnable.settings import AS_PUBLISHED
from unlearnable.verify.intervals import Arms, Interval, interval, interval_of_effect
from unlearnable.wording import grouped

Way = Literal["image_to_text", "text_to_image"]
HIT = 10


def hits(cells: Sequence[Cell], way: Way, photo_of_caption: Sequence[int]) -> NDArray[np.float64] | None:
    """Return what each photo adds to Hit@10 in per cent (s, p), a row a cell, the mean of all being Hit@10.

    Args:
        cells: cells of one gallery, one a seed.
        way: direction of the ranking.
        photo_of_caption: photo of each caption of the gallery; empty where caption n is that of photo n.

    Returns:
        The figures; None where there is no cell or one has no ranks.
    """
    found = []
    for cell in cells:
        if cell.ranks is None:
            return None
        ranks = np.asarray(getattr(cell.ranks, way))
        hit = 100.0 * (ranks <= HIT)
        if way == "text_to_image" and len(photo_of_caption):
            hit = np.bincount(photo_of_caption, hit) * (max(photo_of_caption) + 1) / len(hit)
        found.append(hit)
    return np.stack(found) if found else None


def hit_interval(cells: Sequence[Cell], way: Way, photo_of_caption: Sequence[int]) -> Interval | None:
    """Return the interval of Hit@10 over photos and seeds; None where a cell has no ranks. Arguments as of `hits`."""
    values = hits(cells, way, photo_of_caption)
    return None if values is None else interval(values)


HOLDS = 0.5  # least effect of a protection that holds: it takes away half of what clean posts teach
DECIMALS = 9  # of figures that are compared with a bound: further ones are of how sums are rounded, not of ranks
LEAST_GAP = 10.0  # points of Hit@10 that clean posts must teach before an effect can be judged
WAYS: tuple[Way, ...] = ("image_to_text", "text_to_image")


class Attempt(NamedTuple):
    """Who trained on posts that were published, through which attack: what identifies a finding."""

    victim: str
    through: str
    attacker: str


def findings(cells: Sequence[Cell], references: References, photo_of_caption: Sequence[int] = ()) -> list[Finding]:
    """Return one finding for each victim, attack and attacker, with means over the seeds.

    Args:
        cells: all of a run.
        references: what the cells are compared with.
        photo_of_caption: photo of each caption of the gallery; empty where caption n is that of photo n.
    """
    return [_finding(key, cells, references, photo_of_caption) for key in attempts(cells)]


def attempts(cells: Iterable[Cell]) -> list[Attempt]:
    """Return the attempts of a run, each once, in the order of the cells."""
    protected = (cell for cell in cells if cell.data == "protected")
    return list(dict.fromkeys(Attempt(cell.victim, cell.through, cell.attacker) for cell in protected))


def _finding(key: Attempt, cells: Sequence[Cell], references: References, owners: Sequence[int]) -> Finding:
    clean, protected = clean_cells(cells, key), protected_cells(cells, key)
    attacked = clean_cells(cells, key, key.through) if key.through != AS_PUBLISHED else []
    pretrained, random = references.pretrained.get(key.victim), references.random
    strict = [_effect(clean, protected, way, random, pretrained) for way in WAYS]
    ends = {"clean": hit_interval(clean, "text_to_image", owners)}
    ends["protected"] = hit_interval(protected, "text_to_image", owners)
    ends["effect"] = effect_interval(clean, protected, ["text_to_image"], owners, random)
    clean_hits, protected_hits = ([cell.text_to_image.hit10 for cell in some] for some in (clean, protected))
    finding = Finding(
        **key._asdict(),
        clean_mean=fmean(clean_hits),
        clean_std=pstdev(clean_hits),
        protected_mean=fmean(protected_hits),
        protected_std=pstdev(protected_hits),
        protected_medr=fmean(cell.text_to_image.medr for cell in protected),
        effect=_effect(clean, protected, "text_to_image", random),
        effect_image_to_text=_effect(clean, protected, "image_to_text", random),
        effect_pretrained=_effect(clean, protected, "text_to_image", pretrained),
        clean_through_mean=_hit(attacked, "text_to_image") if attacked else None,
        effect_through=_effect(attacked, protected, "text_to_image", random) if attacked else None,
        outcome=_outcome(strict, effect_interval(clean, protected, WAYS, owners, random, pretrained)),
        judged_by=[way for way, effect in zip(WAYS, strict, strict=True) if effect is not None],
    )
    return finding.model_copy(update=_ends(ends))


def clean_cells(
    cells: Iterable[Cell], key: Attempt | Finding | WorstFinding, through: str = AS_PUBLISHED
) -> list[Cell]:
    """Return the clean cells of a finding, one a seed: on posts as they are, or through an attack."""
    return _cells(cells, (key.victim, "clean", through, key.attacker))


def protected_cells(cells: Iterable[Cell], key: Attempt | Finding) -> list[Cell]:
    """Return the protected cells of a finding, one a seed."""
    return _cells(cells, (key.victim, "protected", key.through, key.attacker))


def _cells(cells: Iterable[Cell], wanted: tuple[str, ...]) -> list[Cell]:
    return [cell for cell in cells if (cell.victim, cell.data, cell.through, cell.attacker) == wanted]


def effect_interval(
    clean: Sequence[Cell],
    protected: Sequence[Cell],
    ways: Sequence[Way],
    owners: Sequence[int],
    *references: BothWays | None,
) -> Interval | None:
    """Return the interval of the mean effect of some directions; None where it is not known.

    Args:
        clean: clean cells, one a seed.
        protected: protected cells, one a seed.
        ways: directions; those that clean posts taught too little of are left out.
        owners: photo of each caption of the gallery, as `findings` has it.
        references: scores that the effect is measured against; the best counts.
    """
    arms = []
    for way in ways:
        learnt, kept = hits(clean, way, owners), hits(protected, way, owners)
        if learnt is None or kept is None:
            return None
        if _effect(clean, protected, way, *references) is not None:
            arms.append(Arms(learnt, kept, _floor(references, way)))
    return interval_of_effect(arms, LEAST_GAP) if arms else None


def _ends(intervals: dict[str, Interval | None]) -> dict[str, float]:
    """Return the fields for the ends of the intervals that are known."""
    known = ((name, ends) for name, ends in intervals.items() if ends is not None)
    return {f"{name}_{end}": value for name, ends in known for end, value in ends._asdict().items()}


def _hit(cells: Iterable[Cell], way: Way) -> float:
    return fmean(_hit10(cell, way) for cell in cells)


def _hit10(scores: Cell | BothWays, way: Way) -> float:
    return scores.image_to_text.hit10 if way == "image_to_text" else scores.text_to_image.hit10


def _effect(clean: Sequence[Cell], protected: Sequence[Cell], way: Way, *references: BothWays | None) -> float | None:
    """Return (clean - protected) / (clean - the best reference); None without one or if clean teach too little."""
    if not any(references):
        return None
    floor, learnt = _floor(references, way), _hit(clean, way)
    if round(learnt - floor, DECIMALS) < LEAST_GAP:
        return None
    return round((learnt - _hit(protected, way)) / (learnt - floor), DECIMALS)


def _floor(references: Iterable[BothWays | None], way: Way) -> float:
    return max(_hit10(one, way) for one in references if one is not None)


def _outcome(effects: Sequence[float | None], ends: Interval | None) -> Outcome:
    """Return whether protection holds, by the interval of the mean over directions; by the mean where none is known."""
    judged = [effect for effect in effects if effect is not None]
    if not judged:
        return "too few posts to tell"
    low, high = ends or (round(fmean(judged), DECIMALS),) * 2
    return "holds" if low >= HOLDS else "does not hold" if high < HOLDS else "too few posts to tell"


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


def matrix(all_findings: Sequence[Finding]) -> list[MatrixRow]:
    """Return a row for each attack and attacker, the row of the smallest effect first; rows without one come last."""
    rows = grouped(((finding.through, finding.attacker), finding) for finding in all_findings)
    made = [
        MatrixRow(
            through=through,
            attacker=attacker,
            adaptive=own[0].adaptive,
            effects={finding.victim: mean_effect(finding) for finding in own},
        )
        for (through, attacker), own in rows.items()
    ]
    return sorted(made, key=_least)


def _least(row: MatrixRow) -> float:
    return min((effect for effect in row.effects.values() if effect is not None), default=float("inf"))
