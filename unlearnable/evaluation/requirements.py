"""Requirements on the figures of a run (`--require`), and the findings that miss them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from unlearnable.errors import ConfigError
from unlearnable.evaluation.findings import DECIMALS, protected_cells
from unlearnable.evaluation.verdict import name_of
from unlearnable.results import Cell, Finding

_RULE = re.compile(r"(hit1|hit5|hit10|medr|effect)(<=|>=|<|>)(-?(?:\d+\.?\d*|\.\d+))")
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


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
    protected = protected_cells(cells, finding)
    return [
        ("image -> text", fmean(getattr(cell.image_to_text, metric) for cell in protected)),
        ("text -> image", fmean(getattr(cell.text_to_image, metric) for cell in protected)),
    ]
