"""What the cells of a run say of the protection: effects with their intervals, outcomes, requirements, the verdict.

An interval holds the means that the same experiment could have given. People (or queries) and seeds are both drawn
again with replacement (a two-way bootstrap, after Owen, "The pigeonhole bootstrap", 2007), so that neither few people
nor few seeds pass for certainty.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import fmean, pstdev
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearnable.errors import ConfigError
from unlearnable.report import ArmName, BothWays, Cell, Finding, MatrixRow, Outcome, References, Retrieval, WorstFinding
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, changing
from unlearnable.verify.attacks import is_adaptive
from unlearnable.wording import grouped

HIT = 10
HOLDS = 0.5  # least effect of a protection that holds: it takes away half of what clean posts teach
DECIMALS = 9  # of figures that are compared with a bound: further ones are of how sums are rounded, not of ranks
LEAST_GAP = 10.0  # points of Hit@10 that clean posts must teach before an effect can be judged
DRAWS, LEVEL = 2000, 0.95
MOST_NAMED = 4
Way = Literal["image_to_text", "text_to_image"]
WAYS: tuple[Way, Way] = ("image_to_text", "text_to_image")


class Interval(NamedTuple):
    """The ends of an interval that holds 95 % of the redrawn means."""

    low: float
    high: float


class Direction(NamedTuple):
    """What victims learnt in one direction: figures (s, n) of each seed and person after both arms, and their floor."""

    clean: ArrayLike
    protected: ArrayLike
    floor: float


def interval(values: ArrayLike) -> Interval:
    """Return the interval of the mean of figures (s, n), of each seed (s) and each person or query (n)."""
    return _middle(_means(values))


def interval_of_effect(ways: Sequence[Direction], least_gap: float) -> Interval | None:
    """Return the interval of an effect, (clean - protected) / (clean - floor), mean over directions.

    Seeds and people are drawn once for everything, as what is hard for one arm is hard for the other too. A direction
    in which the redrawn clean posts teach less than `least_gap` above the floor has no effect in that draw, as it would
    have none in an experiment. The interval is of the draws that have an effect, None where fewer than half have one.
    """
    effects = np.full((len(ways), DRAWS), np.nan)
    for effect, way in zip(effects, ways, strict=True):
        clean, protected = _means(way.clean), _means(way.protected)
        gap = clean - way.floor
        np.divide(clean - protected, gap, out=effect, where=gap >= least_gap)
    judged = effects[:, ~np.isnan(effects).all(axis=0)]
    return None if 2 * judged.shape[1] < DRAWS else _middle(np.nanmean(judged, axis=0))


def _means(figures: ArrayLike) -> NDArray[np.float64]:
    """Return the mean (DRAWS,) of figures (s, n) in each draw of seeds and people, which their shape decides."""
    values = np.asarray(figures, dtype=np.float64)
    rows, columns = _draws(*values.shape)
    means: NDArray[np.float64] = np.einsum("ds,sn,dn->d", rows, values, columns, optimize=True)
    return means


@lru_cache(maxsize=1)  # all findings of a run have the same seeds and people
def _draws(seeds: int, people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of seeds (DRAWS, s) and of people (DRAWS, n), which sum to 1 in each draw."""
    generator = np.random.default_rng(0)  # equal figures have equal intervals
    rows = generator.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS) / seeds
    return rows, generator.multinomial(people, np.full(people, 1 / people), DRAWS) / people


def _middle(draws: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


class Attempt(NamedTuple):
    """Who trained on posts that were published, through which attack: what identifies a finding."""

    victim: str
    through: str
    attacker: str


def attempts(cells: Iterable[Cell]) -> list[Attempt]:
    """Return the attempts of a run, each once, in the order of the cells."""
    protected = (cell for cell in cells if cell.data == "protected")
    return list(dict.fromkeys(Attempt(cell.victim, cell.through, cell.attacker) for cell in protected))


def findings(cells: Sequence[Cell], references: References, photo_of_caption: Sequence[int] = ()) -> list[Finding]:
    """Return one finding for each victim, attack and attacker, with means over the seeds.

    `photo_of_caption` holds the photo of each caption of the gallery; empty where caption n is that of photo n.
    """
    return [_finding(key, cells, references, photo_of_caption) for key in attempts(cells)]


def _finding(key: Attempt, cells: Sequence[Cell], references: References, owners: Sequence[int]) -> Finding:
    pretrained, random = references.pretrained.get(key.victim), references.random
    clean, protected = cells_of(cells, "clean", key, AS_PUBLISHED), cells_of(cells, "protected", key)
    attacked = cells_of(cells, "clean", key) if key.through != AS_PUBLISHED else []
    strict = {way: _effect(clean, protected, way, random, pretrained) for way in WAYS}
    intervals = {
        "clean": hit_interval(clean, "text_to_image", owners),
        "protected": hit_interval(protected, "text_to_image", owners),
        "effect": _effect_interval(clean, protected, ["text_to_image"], owners, random),
    }
    ends = {
        f"{name}_{end}": value for name, found in intervals.items() if found for end, value in found._asdict().items()
    }
    learnt, kept = ([cell.text_to_image.hit10 for cell in arm] for arm in (clean, protected))
    return Finding(
        **key._asdict(),
        adaptive=is_adaptive(key.through),
        clean_mean=fmean(learnt),
        clean_std=pstdev(learnt),
        protected_mean=fmean(kept),
        protected_std=pstdev(kept),
        protected_medr=fmean(cell.text_to_image.medr for cell in protected),
        effect=_effect(clean, protected, "text_to_image", random),
        effect_image_to_text=_effect(clean, protected, "image_to_text", random),
        effect_pretrained=_effect(clean, protected, "text_to_image", pretrained),
        clean_through_mean=_hit(attacked, "text_to_image") if attacked else None,
        effect_through=_effect(attacked, protected, "text_to_image", random) if attacked else None,
        outcome=_outcome([*strict.values()], _effect_interval(clean, protected, WAYS, owners, random, pretrained)),
        judged_by=[way for way, effect in strict.items() if effect is not None],
        **ends,
    )


def cells_of(
    cells: Iterable[Cell], data: ArmName, key: Attempt | Finding | WorstFinding, through: str | None = None
) -> list[Cell]:
    """Return the cells of an arm, one a seed, by the victim and attacker of a finding, and its attack or another."""
    wanted = (data, key.victim, key.through if through is None else through, key.attacker)
    return [cell for cell in cells if (cell.data, cell.victim, cell.through, cell.attacker) == wanted]


def hits(cells: Sequence[Cell], way: Way, photo_of_caption: Sequence[int]) -> NDArray[np.float64] | None:
    """Return what each photo adds to Hit@10 in per cent (s, p), a row a cell, the mean of all being Hit@10.

    Captions of one photo count together. None where there is no cell, or one has no ranks.
    """
    found = []
    for cell in cells:
        if cell.ranks is None:
            return None
        hit = 100.0 * (np.asarray(getattr(cell.ranks, way)) <= HIT)
        if way == "text_to_image" and len(photo_of_caption):
            hit = np.bincount(photo_of_caption, hit) * (max(photo_of_caption) + 1) / len(hit)
        found.append(hit)
    return np.stack(found) if found else None


def hit_interval(cells: Sequence[Cell], way: Way, photo_of_caption: Sequence[int]) -> Interval | None:
    """Return the interval of Hit@10 over photos and seeds; None where a cell has no ranks."""
    values = hits(cells, way, photo_of_caption)
    return None if values is None else interval(values)


def _effect_interval(
    clean: Sequence[Cell],
    protected: Sequence[Cell],
    ways: Sequence[Way],
    owners: Sequence[int],
    *references: BothWays | None,
) -> Interval | None:
    """Return the interval of the mean effect of the directions that clean posts taught enough of; None if unknown."""
    arms = []
    for way in ways:
        learnt, kept = hits(clean, way, owners), hits(protected, way, owners)
        if learnt is None or kept is None:
            return None
        if _effect(clean, protected, way, *references) is not None:
            arms.append(Direction(learnt, kept, _floor(references, way)))
    return interval_of_effect(arms, LEAST_GAP) if arms else None


def _hit(cells: Sequence[Cell | BothWays], way: Way) -> float:
    return fmean(getattr(cell, way).hit10 for cell in cells)


def _effect(clean: Sequence[Cell], protected: Sequence[Cell], way: Way, *references: BothWays | None) -> float | None:
    """Return (clean - protected) / (clean - the best reference); None without one or if clean teach too little."""
    if not any(references):
        return None
    floor, learnt = _floor(references, way), _hit(clean, way)
    if round(learnt - floor, DECIMALS) < LEAST_GAP:
        return None
    return round((learnt - _hit(protected, way)) / (learnt - floor), DECIMALS)


def _floor(references: Iterable[BothWays | None], way: Way) -> float:
    return max(_hit([one], way) for one in references if one is not None)


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
    """Return the finding of the smallest effect, mean of both directions; None where none can be judged."""
    known = [(effect, finding) for finding in some if (effect := _mean_effect(finding)) is not None]
    if not known:
        return None
    effect, finding = min(known, key=lambda pair: pair[0])
    clean, protected = cells_of(cells, "clean", finding, AS_PUBLISHED), cells_of(cells, "protected", finding)
    ends = _effect_interval(clean, protected, WAYS, photo_of_caption, references.random)
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


def _mean_effect(finding: Finding) -> float | None:
    """Return the effect against random ranking, mean of the directions; None where the finding cannot be judged."""
    known = [effect for effect in (finding.effect, finding.effect_image_to_text) if effect is not None]
    return fmean(known) if known and finding.judged_by else None


def _over_seeds(scores: Sequence[Retrieval]) -> Retrieval:
    return Retrieval(**{name: fmean(getattr(one, name) for one in scores) for name in Retrieval.model_fields})


def matrix(all_findings: Sequence[Finding]) -> list[MatrixRow]:
    """Return a row for each attack and attacker, the row of the smallest effect first; rows without one come last."""
    rows = []
    for (through, attacker), own in grouped(((one.through, one.attacker), one) for one in all_findings).items():
        effects = {finding.victim: _mean_effect(finding) for finding in own}
        rows.append(MatrixRow(through=through, attacker=attacker, adaptive=own[0].adaptive, effects=effects))
    infinite = float("inf")
    return sorted(rows, key=lambda row: min(infinite if one is None else one for one in row.effects.values()))


SAYING: dict[Outcome, str] = {  # the best outcome first
    "holds": "protection held against",
    "too few posts to tell": "more posts or seeds are needed to judge it against",
    "does not hold": "it did not hold against",
}


def verdict(
    all_findings: Sequence[Finding], worst: WorstFinding | None = None, worst_adaptive: WorstFinding | None = None
) -> str:
    """Return the findings in plain words, opening with the worst outcome: by name where they are few, else counted.

    Adaptive attacks do not make the outcome unless there are no others: the worst of them is named at the end where it
    comes out worse than the worst of the others.
    """
    judged = [finding for finding in all_findings if not finding.adaptive] or all_findings
    by_outcome = {outcome: [one for one in judged if one.outcome == outcome] for outcome in SAYING}
    parts = []
    for outcome, own in by_outcome.items():
        if own:
            few = len(judged) <= MOST_NAMED
            tests = ", ".join(map(name_of, own)) if few else f"{len(own)} of {len(judged)} tests"
            parts.append(f"{SAYING[outcome]} {tests}")
    if worst:
        parts.append(f"least effect {_measured(worst)}")
    if worst_adaptive and (worst is None or worst_adaptive.effect < worst.effect):
        parts.append(f"made against this tool, {_measured(worst_adaptive)}")
    return f"{[outcome for outcome, own in by_outcome.items() if own][-1]}: {'; '.join(parts)}"


def in_words(worst: WorstFinding, cells: Sequence[Cell], references: References, photos: int) -> str:
    """Return a sentence on the worst finding: how often a model finds the photo of a caption among `photos`."""
    clean = _hit(cells_of(cells, "clean", worst, AS_PUBLISHED), "text_to_image")
    named = ", ".join([Path(worst.victim).name, *changing(worst.through, worst.attacker)])
    return (
        f"At worst ({named}), a model trained on the protected posts finds the right photo for a caption, "
        f"among the first 10 of {photos}, {tenths(worst.text_to_image.hit10)}; trained on the clean posts "
        f"{tenths(clean)}; guessing, {tenths(references.random.text_to_image.hit10)}."
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


_RULE = re.compile(r"(hit1|hit5|hit10|medr|effect)(<=|>=|<|>)(-?(?:\d+\.?\d*|\.\d+))")
_SIGNS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


class Rule(NamedTuple):
    """A requirement on the figures of protected cells, as the user wrote it and as it was understood."""

    text: str
    metric: str  # "hit1", "hit5", "hit10", "medr" or "effect"
    holds: Callable[[float], bool]


def parse_rule(text: str) -> Rule:
    """Return the requirement that a text such as "hit10<=10" states."""
    match = _RULE.fullmatch(text.replace(" ", ""))
    if match is None or (match[3].startswith("-") and match[1] != "effect"):
        raise ConfigError(
            f"cannot read the requirement {text!r}",
            hint="compare hit1, hit5, hit10, medr or effect with a number, as in hit10<=10",
        )
    metric, sign, bound = match.groups()
    compare, limit = _SIGNS[sign], float(bound)
    return Rule(text, metric, lambda value: compare(round(value, DECIMALS), limit))


def missed(rules: Iterable[Rule], cells: Sequence[Cell], all_findings: Sequence[Finding]) -> list[str]:
    """Return every victim, attack, attacker and direction that fails a requirement, by its mean over the seeds.

    An effect that cannot be judged fails its requirement.
    """
    failures = []
    for rule in rules:
        for finding in all_findings:
            protected = cells_of(cells, "protected", finding)
            for way in WAYS:
                if rule.metric == "effect":
                    value = finding.effect if way == "text_to_image" else finding.effect_image_to_text
                else:
                    value = fmean(getattr(getattr(cell, way), rule.metric) for cell in protected)
                if value is None or not rule.holds(value):
                    measured = "cannot be judged" if value is None else f"{value:.6g}"
                    failures.append(f"{rule.text}: {name_of(finding)}, {way.replace('_to_', ' -> ')}: {measured}")
    return failures
