"""`unlearnable explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from unlearnable.cli import options
from unlearnable.cli.console import console, show_notes, stacked
from unlearnable.cli.options import MORE, OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.settings import ExplainSettings
from unlearnable.storage.progress import Progress

if TYPE_CHECKING:
    from unlearnable.report import ExplainReport

WHAT = "What to explain"

_option = options.of(ExplainSettings)


def explain(
    context: typer.Context,
    photo: Annotated[Path | None, options.argument(ExplainSettings, "photo")] = None,
    caption: Annotated[str | None, _option("caption", WHAT)] = None,
    trigger: Annotated[str | None, _option("trigger", WHAT)] = None,
    model: Annotated[list[str] | None, _option("model", WHAT)] = None,
    map: Annotated[list[Path] | None, _option("map", WHAT)] = None,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    overwrite: options.Overwrite = False,
    seed: Annotated[int | None, _option("seed", MORE)] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Draw what models look at: Grad-CAM on the photo, integrated gradients on the words.

    With --map also how near each model puts photos and captions. Figures are written as PNG and
    SVG, the numbers behind them as explain.json.
    """

    def work(settings: ExplainSettings, progress: Progress) -> ExplainReport:
        from unlearnable.explain.run import explain as run

        return run(settings, overwrite=overwrite, progress=progress)

    run_command(context, ExplainSettings, work, _show, hint="nothing was written; give the command again")


def _show(report: ExplainReport) -> None:
    """The numbers behind the figures, in 80 columns."""
    out = console()
    if report.explanations:
        table = Table(box=None, padding=(0, 1, 0, 0))
        table.add_column("model", overflow="fold")
        for head in (("cosine",), ("on the", "trigger, %"), ("of the", "words, %"), ("hottest", "tenth, %")):
            table.add_column(stacked(*head), justify="right", no_wrap=True)
        table.add_column("words that count most", overflow="fold")
        for one in report.explanations:
            ranked = sorted(one.words, key=lambda word: -abs(word.attribution))[:3]
            shares = (one.trigger_share, one.trigger_words_share, one.salient_tenth)
            cells = ["-" if share is None else f"{100 * share:.0f}" for share in shares]
            table.add_row(one.model, f"{one.similarity:.3f}", *cells, ", ".join(word.word for word in ranked))
        out.print(table)
    for drawn in report.maps:
        names = ("copies of a photo", "captions of a post", "photo and own captions", "and those of others")
        values = (drawn.cosine_copies, drawn.cosine_captions, drawn.cosine_own, drawn.cosine_others)
        shown = [f"{name} {value:.2f}" for name, value in zip(names, values, strict=True) if value is not None]
        out.print(f"{drawn.model}, mean cosines: {', '.join(shown)}")
    show_notes(out, report.notes)
    written = ", ".join([*report.files, "explain.json"])
    out.print(f"written to {report.output}: {written}", soft_wrap=True)
