"""What `verify` found, on a terminal of 80 columns."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearnable.report.crowd_rows import crowd_rows
from unlearnable.report.curves import mean_curve
from unlearnable.report.rows import arm_label, finding_line, matrix_rows, table_rows
from unlearnable.report.sparkline import sparkline
from unlearnable.results import CrowdRecord, VerifyReport

FEW = 6  # findings that have a line each; of more the page tells, and the matrix


def show(report: VerifyReport) -> None:
    """Print verdict, tables and matrix."""
    console = Console(highlight=False)
    console.print(report.verdict, style="bold", markup=False)
    if report.in_words:
        console.print(report.in_words, markup=False)
    table = Table(box=None, padding=(0, 1, 0, 0))
    for head in ("victim", "trained on"):
        table.add_column(head, overflow="fold")
    for head in ("image->text\nHit@10", "\nMedr", "text->image\nHit@10", "\nMedr"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in table_rows(report):
        table.add_row(row.victim, row.arm, row.image_hit, row.image_medr, row.text_hit, row.text_medr)
    console.print(table)
    if report.crowd:
        _show_crowd(console, report.crowd)
    if len(report.findings) <= FEW:
        _show_losses(console, report)
        for one in report.findings:
            console.print(finding_line(one), markup=False)
    _show_matrix(console, report)
    if report.not_tested:
        console.print(f"not tested: {', '.join(report.not_tested)}", markup=False)
    gallery = report.gallery
    console.print(
        f"{gallery.photos} held-out photos ({gallery.source}), {gallery.train_photos} trained on, "
        f"seeds {', '.join(map(str, report.seeds))}, {len(gallery.near_duplicates)} near-duplicates dropped",
        markup=False,
    )
    for note in report.notes:
        console.print(f"note: {note}", markup=False)
    console.print(f"report: {report.output}/report.html ({report.seconds:.0f} s)", markup=False, soft_wrap=True)


def _show_crowd(console: Console, crowd: CrowdRecord) -> None:
    """What was learnt of the protected people among the others, in 80 columns."""
    console.print(crowd.in_words, style="bold", markup=False)
    table = Table(box=None, padding=(0, 1, 0, 0))
    for head in ("victim", "your posts"):
        table.add_column(head, overflow="fold")
    for head in ("image->text\nHit@10", "text->image\nHit@10", "others\nHit@10", "known\nby name"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in crowd_rows(crowd):
        table.add_row(*row)
    console.print(table)
    for note in crowd.notes:
        console.print(f"note: {note}", markup=False)


def _show_losses(console: Console, report: VerifyReport) -> None:
    """The training loss of each arm as a line, mean over the seeds, all on one scale."""
    arms: dict[tuple[str, str], list[list[float | None]]] = {}
    for cell in report.cells:
        arms.setdefault((cell.victim, arm_label(cell)), []).append(cell.loss_curve)
    curves = {arm: mean_curve(losses) for arm, losses in arms.items()}
    top = max((loss for losses in curves.values() for loss in losses), default=0.0)
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for (victim, label), losses in curves.items():
        if curve := sparkline(losses, top=top, plain=console.options.ascii_only):
            name = Text(f"loss, {Path(victim).name}, {label}")
            table.add_row(name, Text(f"{curve} {losses[0]:.3g} -> {losses[-1]:.3g}"))
    console.print(table)


def _show_matrix(console: Console, report: VerifyReport) -> None:
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
