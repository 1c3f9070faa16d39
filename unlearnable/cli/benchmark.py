"""`unlearnable benchmark`."""

from typing import TYPE_CHECKING, Any

import typer
from rich.padding import Padding

from unlearnable.benchmark import SUITES
from unlearnable.cli.console import console, run_command, show_notes, show_skipped, show_table
from unlearnable.cli.options import MORE, OUTPUT, with_settings
from unlearnable.settings import BenchmarkSettings
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

if TYPE_CHECKING:
    from unlearnable.report import BenchmarkPlan, BenchmarkReport


@with_settings(
    BenchmarkSettings,
    "",
    {
        "What to run": "dataset data scale methods victims surrogate through fractions seeds limit list",
        OUTPUT: "output resume",
        MORE: "device",
    },
    flags={"seeds": ["--seeds", "--seed"]},
    choices={"dataset": SUITES},
)
def benchmark(context: typer.Context, resume: bool, list: bool, **_: Any) -> None:
    """Run the paper's tables: each cell trains a victim on protected posts and ranks clean test photos.

    Finished cells are kept and never run again. Several GPUs: `accelerate launch -m unlearnable benchmark ...`.
    """

    def work(settings: BenchmarkSettings, progress: Progress) -> "BenchmarkPlan | BenchmarkReport | None":
        from unlearnable.benchmark import run

        if list:
            return run.plan(settings, progress=progress)
        return run.benchmark(settings, resume=resume, progress=progress)

    hint = "the same command with --resume continues where it stopped"
    run_command(context, BenchmarkSettings, work, _show_plan if list else _show_report, hint=hint)


def _show_plan(plan: "BenchmarkPlan") -> None:
    out = console()
    for title in plan.cells:
        out.print(title)
    cells, photos = counted(len(plan.cells), "cell"), counted(plan.train_photos, "photo")
    out.print(f"{cells} to run, {plan.done} there already; {photos} to train on")


def _show_report(report: "BenchmarkReport") -> None:
    """The tables, each in 80 columns, with the notes below."""
    out = console()
    for record in report.tables:
        out.print(record.title, style="bold")
        show_table(out, record.heads, record.rows)
        for note in record.notes:
            out.print(Padding(note, (0, 0, 0, 2)))
    show_skipped(out, report.skipped, "table.json lists them all")
    show_notes(out, report.notes)
    out.print(
        f"{counted(report.ran, 'cell')} run, {report.reused} there already; tables and figures: {report.output} "
        f"({report.seconds:.0f} s)",
        soft_wrap=True,
    )
