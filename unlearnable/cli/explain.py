"""`unlearnable explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from unlearnable import config
from unlearnable.cli import options
from unlearnable.cli.console import shown
from unlearnable.config import ExplainSettings
from unlearnable.errors import Interrupted
from unlearnable.results import ExplainReport


def _default(name: str) -> str:
    return options.told(ExplainSettings, name)


def explain(
    photo: Annotated[Path | None, typer.Argument(help="Photo to be explained.")] = None,
    caption: Annotated[
        str | None, typer.Option(help="Its caption. (default: from the manifest, for a photo that protect wrote)")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option(help="The words of the trigger in it. (default: from the manifest likewise)")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model to look into, as for --surrogate; repeat it to compare.")
    ] = None,
    map: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of posts to be drawn as a t-SNE; once for all models, or once for each."),
    ] = None,
    map_captions: Annotated[
        list[Path] | None, typer.Option(help="Caption file of each --map. (default: the one in the folder)")
    ] = None,
    map_posts: Annotated[int | None, typer.Option(help=f"Posts on the map. {_default('map_posts')}")] = None,
    output: Annotated[Path | None, typer.Option(help=f"Folder to write to. {_default('output')}")] = None,
    seed: options.Seed = None,
    device: options.Device = None,
    overwrite: options.Overwrite = False,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Draw what models look at: Grad-CAM on the photo, integrated gradients on the words.

    With --map also how near each model puts photos and captions. Figures are written as PNG and
    SVG, the numbers behind them as explain.json. Needs pip install 'unlearnable\\[explain]'.
    """
    flags: dict[str, Any] = {name: value for name, value in locals().items() if name in ExplainSettings.model_fields}
    flags |= {name: tuple(flags[name]) if flags[name] else None for name in ("model", "map", "map_captions")}
    settings = config.resolve_as(ExplainSettings, flags, config_file)
    if print_config:
        typer.echo(config.to_toml(settings), nl=False)
        return
    from unlearnable.workflows.explain.run import explain as run

    try:
        with shown(quiet=quiet) as progress:
            report = run(settings, overwrite=overwrite, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="nothing was written; give the command again") from None
    if as_json:
        options.print_json(report)
    else:
        _show(report)


def _show(report: ExplainReport) -> None:
    """The numbers behind the figures, in 80 columns."""
    console = Console(highlight=False)
    if report.explanations:
        table = Table(box=None, padding=(0, 1, 0, 0))
        table.add_column("model", overflow="fold")
        for head in ("cosine", "on the\ntrigger, %", "of the\nwords, %", "hottest\ntenth, %"):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column("words that count most", overflow="fold")
        for one in report.explanations:
            ranked = sorted(one.words, key=lambda word: -abs(word.attribution))[:3]
            shares = (one.trigger_share, one.trigger_words_share, one.salient_tenth)
            cells = ["-" if share is None else f"{100 * share:.0f}" for share in shares]
            table.add_row(one.model, f"{one.similarity:.3f}", *cells, ", ".join(word.word for word in ranked))
        console.print(table, markup=False)
    for drawn in report.maps:
        names = ("copies of a photo", "captions of a post", "photo and own captions", "and those of others")
        values = (drawn.cosine_copies, drawn.cosine_captions, drawn.cosine_own, drawn.cosine_others)
        told = [f"{name} {value:.2f}" for name, value in zip(names, values, strict=True) if value is not None]
        console.print(f"{drawn.model}, mean cosines: {', '.join(told)}", markup=False)
    for note in report.notes:
        console.print(f"note: {note}", markup=False)
    written = ", ".join([*report.files, "explain.json"])
    console.print(f"written to {report.output}: {written}", markup=False, soft_wrap=True)
