"""Turn ranks into words: the share of what clean posts teach that protection removed, and whether it is enough."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev

from unlearnable.config import AS_PUBLISHED, AS_USUAL
from unlearnable.errors import ConfigError
from unlearnable.results import BothWays, Cell, Finding, Outcome, References, Retrieval

HELD, PARTLY = 0.9, 0.5  # effects from which protection counts as full and as partial
LEAST_GAP = 10.0  # points of Hit@10 that clean posts must teach before an effect can be judged

_RULE = re.compile(r"(hit1|hit5|hit10|medr|effect)(<=|>=|<|>)(\d+(?:\.\d+)?)")
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def findings(cells: Sequence[Cell], references: References) -> list[Finding]:
    """Return one finding for each victim, attack and attacker, with means over the seeds."""
    keys = dict.fromkeys((cell.victim, cell.through, cell.attacker) for cell in cells if cell.data == "protected")
    return [_finding(*key, cells, references) for key in keys]


def _finding(victim: str, through: str, attacker: str, cells: Sequence[Cell], references: References) -> Finding:
    clean = [c for c in cells if (c.victim, c.data, c.attacker) == (victim, "clean", attacker)]
    protected = _protected(cells, victim, through, attacker)
    pretrained = references.pretrained.get(victim)

    def effect(way: str, *floors: BothWays | None) -> float | None:
        floor = max(_hit(getattr(floor_scores, way)) for floor_scores in floors if floor_scores is not None)
        return _effect(_mean(clean, way), _mean(protected, way), floor)

    ways = ("image_to_text", "text_to_image")
    strict = [effect(way, references.random, pretrained) for way in ways]
    clean_hits = [_hit(cell.text_to_image) for cell in clean]
    protected_hits = [_hit(cell.text_to_image) for cell in protected]
    return Finding(
        victim=victim,
        through=through,
        attacker=attacker,
        clean_mean=fmean(clean_hits),
        clean_std=pstdev(clean_hits),
        protected_mean=fmean(protected_hits),
        protected_std=pstdev(protected_hits),
        protected_medr=fmean(cell.text_to_image.medr for cell in protected),
        effect=effect("text_to_image", references.random),
        effect_image_to_text=effect("image_to_text", references.random),
        effect_pretrained=None if pretrained is None else effect("text_to_image", pretrained),
        outcome=_outcome(strict),
    )


def _protected(cells: Sequence[Cell], victim: str, through: str, attacker: str) -> list[Cell]:
    """Return the protected cells of a finding, one a seed."""
    wanted = (victim, "protected", through, attacker)
    return [cell for cell in cells if (cell.victim, cell.data, cell.through, cell.attacker) == wanted]


def _hit(figures: Retrieval) -> float:
    return figures.hit10


def _mean(cells: Iterable[Cell], way: str) -> float:
    return fmean(_hit(getattr(cell, way)) for cell in cells)


def _effect(clean: float, protected: float, floor: float) -> float | None:
    """Return (clean - protected) / (clean - floor), or None if clean posts teach too little to tell."""
    return None if clean - floor < LEAST_GAP else (clean - protected) / (clean - floor)


def _outcome(effects: Sequence[float | None]) -> Outcome:
    """Return the outcome by the mean of the directions, each of which alone is noisy in a small gallery."""
    judged = [effect for effect in effects if effect is not None]
    if not judged:
        return "cannot be judged"
    mean = fmean(judged)
    return "protected" if mean >= HELD else "partly protected" if mean >= PARTLY else "not protected"


def verdict(all_findings: Sequence[Finding]) -> str:
    """Return the findings in plain words, opening with the worst outcome."""
    order: tuple[Outcome, ...] = ("not protected", "partly protected", "cannot be judged", "protected")
    worst = next(outcome for outcome in order if any(finding.outcome == outcome for finding in all_findings))
    parts = []
    for outcome in reversed(order):
        names = [_name(finding) for finding in all_findings if finding.outcome == outcome]
        if names:
            parts.append(f"{_SAYING[outcome]} {', '.join(names)}")
    return f"{worst}: {'; '.join(parts)}"


_SAYING: dict[Outcome, str] = {
    "protected": "protection held against",
    "partly protected": "it was only partial against",
    "not protected": "it did not hold against",
    "cannot be judged": "clean posts taught too little to judge it against",
}


def _name(finding: Finding) -> str:
    through = "" if finding.through == AS_PUBLISHED else f" through {finding.through}"
    attacker = "" if finding.attacker == AS_USUAL else f" with attacker {finding.attacker}"
    return f"{Path(finding.victim).name}{through}{attacker}"


@dataclass(frozen=True)
class Rule:
    """A requirement on the figures of protected cells.

    Attributes:
        text: requirement as the user wrote it.
        metric: "hit1", "hit5", "hit10", "medr" or "effect".
        holds: function that returns whether a figure meets the requirement.
    """

    text: str
    metric: str
    holds: Callable[[float], bool]


def parse_rule(text: str) -> Rule:
    """Return the requirement that a text such as "hit10<=10" states.

    Raises:
        ConfigError: the text is not a metric, a comparison sign and a number.
    """
    match = _RULE.fullmatch(text.replace(" ", ""))
    if match is None:
        raise ConfigError(
            f"cannot read the requirement {text!r}",
            hint="compare hit1, hit5, hit10, medr or effect with a number, as in hit10<=10",
        )
    metric, sign, bound = match.groups()
    compare, limit = _SIGNS[sign], float(bound)
    return Rule(text, metric, lambda value: compare(value, limit))


def missed(rules: Iterable[Rule], cells: Sequence[Cell], all_findings: Sequence[Finding]) -> list[str]:
    """Return every victim, attack, attacker and direction that fails a requirement, by its mean over the seeds.

    An effect that cannot be judged fails its requirement.
    """
    failures = []
    for rule in rules:
        for finding in all_findings:
            for way, value in _values(rule.metric, finding, cells):
                if value is None or not rule.holds(value):
                    measured = "cannot be judged" if value is None else f"{value:.3g}"
                    failures.append(f"{rule.text}: {_name(finding)}, {way}: {measured}")
    return failures


def _values(metric: str, finding: Finding, cells: Sequence[Cell]) -> list[tuple[str, float | None]]:
    if metric == "effect":
        return [("text -> image", finding.effect), ("image -> text", finding.effect_image_to_text)]
    protected = _protected(cells, finding.victim, finding.through, finding.attacker)
    return [
        ("image -> text", fmean(getattr(cell.image_to_text, metric) for cell in protected)),
        ("text -> image", fmean(getattr(cell.text_to_image, metric) for cell in protected)),
    ]
