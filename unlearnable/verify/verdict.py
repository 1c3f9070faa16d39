"""The findings in words, and the requirements on them (`--require`)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from unlearnable.errors import ConfigError
from unlearnable.report import Cell, Finding, Outcome, References, WorstFinding
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, changing
from unlearnable.verify.findings import DECIMALS, cells_of

MOST_NAMED = 4
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

    def tests(chosen: Sequence[Finding]) -> str:
        few = len(judged) <= MOST_NAMED
        return ", ".join(map(name_of, chosen)) if few else f"{len(chosen)} of {len(judged)} tests"

    by_outcome = {outcome: [one for one in judged if one.outcome == outcome] for outcome in SAYING}
    parts = [f"{SAYING[outcome]} {tests(own)}" for outcome, own in by_outcome.items() if own]
    if one_sided := [finding for finding in judged if len(finding.judged_by) == 1]:
        parts.append(f"one direction alone could be judged against {tests(one_sided)}")
    if worst:
        parts.append(f"least effect {_measured(worst)}")
    if worst_adaptive and (worst is None or worst_adaptive.effect < worst.effect):
        parts.append(f"made against this tool, {_measured(worst_adaptive)}")
    return f"{[outcome for outcome, own in by_outcome.items() if own][-1]}: {'; '.join(parts)}"


def in_words(worst: WorstFinding, cells: Sequence[Cell], references: References, photos: int) -> str:
    """Return a sentence on the worst finding: how often a model finds the photo of a caption among `photos`."""
    clean = fmean(cell.text_to_image.hit10 for cell in cells_of(cells, "clean", worst, AS_PUBLISHED))
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
            for way, value in _values(rule.metric, finding, cells):
                if value is None or not rule.holds(value):
                    measured = "cannot be judged" if value is None else f"{value:.6g}"
                    failures.append(f"{rule.text}: {name_of(finding)}, {way}: {measured}")
    return failures


def _values(metric: str, finding: Finding, cells: Sequence[Cell]) -> list[tuple[str, float | None]]:
    if metric == "effect":
        return [("text -> image", finding.effect), ("image -> text", finding.effect_image_to_text)]
    protected = cells_of(cells, "protected", finding)
    return [
        ("image -> text", fmean(getattr(cell.image_to_text, metric) for cell in protected)),
        ("text -> image", fmean(getattr(cell.text_to_image, metric) for cell in protected)),
    ]
