"""`unlearnable benchmark`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from unlearnable.benchmark import SUITES
from unlearnable.cli import options
from unlearnable.cli.console import console, show_notes, show_skipped, stacked
from unlearnable.cli.options import OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.settings import BenchmarkSettings, ScaleName
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

if TYPE_CHECKING:
    from unlearnable.report import BenchmarkPlan, BenchmarkReport

WHAT = "What to run"
NAMES = 2  # columns of a table that hold names

_option = options.of(BenchmarkSettings)


def benchmark(
    context: typer.Context,
    dataset: Annotated[str | None, _option("dataset", WHAT, choices=SUITES)] = None,
    data: Annotated[Path | None, _option("data", WHAT)] = None,
    scale: Annotated[ScaleName | None, _option("scale", WHAT)] = None,
    methods: Annotated[list[str] | None, _option("methods", WHAT)] = None,
    victims: Annotated[list[str] | None, _option("victims", WHAT)] = None,
    surrogate: Annotated[str | None, _option("surrogate", WHAT)] = None,
    through: Annotated[list[str] | None, _option("through", WHAT)] = None,
    fractions: Annotated[list[str] | None, _option("fractions", WHAT)] = None,
    seeds: Annotated[list[str] | None, _option("seeds", WHAT, "--seeds", "--seed")] = None,
    limit: Annotated[int | None, _option("limit", WHAT)] = None,
    list_cells: Annotated[
        bool,
        typer.Option("--list", help="List the cells, and stop.", rich_help_panel=OUTPUT),
    ] = False,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    resume: options.Resume = False,
    latex: Annotated[bool | None, _option("latex", OUTPUT, "--latex")] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Run the paper's tables: each cell trains a victim on protected posts and ranks clean test photos.

    Finished cells are kept and never run again. Several GPUs: `accelerate launch -m unlearnable benchmark ...`.
    """

    def work(settings: BenchmarkSettings, progress: Progress) -> BenchmarkPlan | BenchmarkReport | None:
        from unlearnable.benchmark import run

        if list_cells:
            return run.plan(settings, progress=progress)
        return run.benchmark(settings, resume=resume, progress=progress)

    run_command(
        context, BenchmarkSettings, work, _show, hint="the same command with --resume continues where it stopped"
    )


def _show(result: BenchmarkPlan | BenchmarkReport) -> None:
    from unlearnable.report import BenchmarkPlan

    if isinstance(result, BenchmarkPlan):
        _show_plan(result)
    else:
        _show_report(result)


def _show_plan(plan: BenchmarkPlan) -> None:
    out = console()
    rows = []
    for cell in plan.cells:
        done = "yes" if cell.done else "no"
        share = f"{100 * cell.fraction:g} %" if cell.surrogate else "-"
        rows.append((cell.method, cell.victim, share, cell.through, str(cell.seed), done))
    _show_table(out, ("method", "victim", "protected", "through", "seed", "done"), rows, "left")
    left = sum(not cell.done for cell in plan.cells)
    out.print(f"{left} of {counted(len(plan.cells), 'cell')} to run, {counted(plan.train_photos, 'photo')} to train on")


def _show_report(report: BenchmarkReport) -> None:
    """The tables, each in 80 columns, with the notes below."""
    out = console()
    for record in report.tables:
        out.print(record.title, style="bold")
        _show_table(out, record.heads, record.rows, "right")
        for note in record.notes:
            out.print(Padding(note, (0, 0, 0, 2)))
    show_skipped(out, report.skipped, "table.json lists them all")
    show_notes(out, report.notes)
    out.print(
        f"{counted(report.ran, 'cell')} run, {report.reused} there already; tables and figures: {report.output} "
        f"({report.seconds:.0f} s)",
        markup=False,
        soft_wrap=True,
    )


def _show_table(
    out: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], justify: Literal["left", "right"]
) -> None:
    """Print a table, its columns but the first justified, or where it is too wide for its words a paragraph a row.

    No word and no name, which stand in the first columns, is folded.
    """
    table, needed = Table(box=None, padding=(0, 1, 0, 0)), 0
    for number, (head, *cells) in enumerate(zip(heads, *rows, strict=True)):
        whole = number < NAMES or not any(" " in text for text in cells)
        table.add_column(stacked(*head.split()), justify=justify if number else "left", no_wrap=whole, overflow="fold")
        parts = cells if whole else (word for text in cells for word in text.split())
        needed += 1 + max(map(len, (*head.split(), *parts)))
    for row in rows:
        table.add_row(*row)
    if needed <= out.width:
        out.print(table)
        return
    for first, *others in rows:
        out.print(first)
        figures = (f"{head}: {value}" for head, value in zip(heads[1:], others, strict=True))
        out.print(Padding("; ".join(figures), (0, 0, 0, 2)))
