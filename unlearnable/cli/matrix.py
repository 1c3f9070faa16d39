"""The matrix of `verify` on a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearnable.report.rows import matrix_rows
from unlearnable.results import VerifyReport


def show_matrix(console: Console, report: VerifyReport) -> None:
    """Print the effects by attack or attacker and victim, the worst row first; nothing where there is a single row."""
    if len(report.matrix) < 2:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("effect: 1 is all,\nbelow 0 a harm", overflow="fold")
    for victim in report.victims:
        table.add_column(Text(f"{Path(victim.name).name}\n{victim.role or ''}"), justify="right", overflow="fold")
    for label, effects in matrix_rows(report):
        table.add_row(Text(label), *effects)
    console.print(table)
    if any(row.adaptive for row in report.matrix):
        console.print("* made against this tool by someone who knows it", markup=False)
