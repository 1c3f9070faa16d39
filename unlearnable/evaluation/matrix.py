"""The matrix of a run: what protection took away, attacks and attackers by victims."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.evaluation.worst import mean_effect
from unlearnable.grouping import grouped
from unlearnable.results import Finding, MatrixRow


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
