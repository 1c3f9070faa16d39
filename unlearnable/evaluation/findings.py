"""Turn cells into findings: the share of what clean posts teach that protection took away, and whether it is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, pstdev
from typing import NamedTuple

from unlearnable.config import AS_PUBLISHED
from unlearnable.evaluation.intervals import Arms, Interval, interval_of_effect
from unlearnable.evaluation.per_photo import Way, hit_interval, hits
from unlearnable.results import BothWays, Cell, Finding, Outcome, References, WorstFinding

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
        ways: directions, of which those that clean posts taught too little of are left out.
        owners: photo of each caption of the gallery, as `findings` has it.
        references: scores that the effect is measured against, of which the best counts.
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
