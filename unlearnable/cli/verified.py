"""What `verify` found, on a terminal of 80 columns, or of fewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from unlearnable.cli.console import console, show_notes, show_skipped, stacked
from unlearnable.report import CrowdRecord, VerifyReport
from unlearnable.report.curves import mean_curve, sparkline
from unlearnable.verify.page import arm_label, crowd_rows, finding_line, matrix_rows, table_rows
from unlearnable.wording import counted, grouped

NARROW = 64  # columns, in fewer of which the figures of a row leave no room for its names
FEW = 6  # findings that have a line each; of more the page tells, and the matrix


def show(report: VerifyReport) -> None:
    """Print verdict, tables and matrix."""
    out = console()
    out.print(report.verdict, style="bold")
    if report.in_words:
        out.print(report.in_words)
    heads = (("image->text", "Hit@10"), ("", "Medr"), ("text->image", "Hit@10"), ("", "Medr"))
    _show_table(out, "trained on", heads, map(astuple, table_rows(report)))
    if report.crowd:
        _show_crowd(out, report.crowd)
    if len(report.findings) <= FEW:
        _show_losses(out, report)
        for one in report.findings:
            out.print(finding_line(one))
    _show_matrix(out, report)
    if report.not_tested:
        out.print(f"not tested: {', '.join(report.not_tested)}")
    gallery = report.gallery
    others = f" and {gallery.background_photos} of others" if gallery.background_photos else ""
    out.print(
        f"{counted(gallery.photos, 'held-out photo')} ({gallery.source}), {gallery.train_photos}{others} trained on, "
        f"seeds {', '.join(map(str, report.seeds))}, {counted(len(gallery.near_duplicates), 'near-duplicate')} dropped",
    )
    show_skipped(out, report.skipped, "report.json lists them all")
    show_notes(out, report.notes)
    out.print(f"report: {report.output}/report.html ({report.seconds:.0f} s)", soft_wrap=True)


def _show_crowd(out: Console, crowd: CrowdRecord) -> None:
    """What was learnt of the protected people among the others, in 80 columns."""
    out.print(crowd.in_words, style="bold")
    heads = (("image->text", "Hit@10"), ("text->image", "Hit@10"), ("others", "Hit@10"), ("known", "by name"))
    _show_table(out, "your posts", heads, crowd_rows(crowd))
    show_notes(out, crowd.notes)


def _show_table(out: Console, name: str, heads: Sequence[Sequence[str]], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows of victim, arm and figures as a table, or where it is too narrow a paragraph for each.

    A victim has a line of its own above its rows, which leaves room for names of attacks.
    """
    if out.width < NARROW:
        for first, second, *figures in rows:
            out.print(", ".join(filter(None, (first, second))))
            said = "; ".join(
                f"{' '.join(filter(None, head))} {value}" for head, value in zip(heads, figures, strict=True)
            )
            out.print(Padding(said, (0, 0, 0, 2)))
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column(stacked("victim", f"  {name}"), overflow="fold")
    for head in heads:
        table.add_column(stacked(*head), justify="right", no_wrap=True)
    for victim, own in grouped((row[0], row[1:]) for row in rows).items():
        if victim:
            table.add_row(victim)
        for arm, *figures in own:
            table.add_row(Padding(arm, (0, 0, 0, 2 if victim else 0)), *figures)
    out.print(table)


def _show_losses(out: Console, report: VerifyReport) -> None:
    """The training loss of each arm as a line, mean over the seeds, all on one scale."""
    arms = grouped(((cell.victim, arm_label(cell)), cell.loss_curve) for cell in report.cells)
    curves = {arm: mean_curve(losses) for arm, losses in arms.items()}
    top = max((loss for losses in curves.values() for loss in losses), default=0.0)
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for (victim, label), losses in curves.items():
        if curve := sparkline(losses, top=top, plain=out.options.ascii_only):
            table.add_row(f"loss, {Path(victim).name}, {label}", f"{curve} {losses[0]:.3g} -> {losses[-1]:.3g}")
    out.print(table)


def _show_matrix(out: Console, report: VerifyReport) -> None:
    """Print the effects by attack or attacker and victim, the worst row first; nothing where there is a single row."""
    if len(report.matrix) < 2:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(stacked("effect: 1 is all,", "below 0 a harm"), overflow="fold")
    for victim in report.victims:
        table.add_column(stacked(Path(victim.name).name, victim.role or ""), justify="right", overflow="fold")
    for label, effects in matrix_rows(report):
        table.add_row(label, *effects)
    out.print(table)
    if any(row.adaptive for row in report.matrix):
        out.print("* made against this tool by someone who knows it")
