"""`unlearnable benchmark`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from unlearnable import config
from unlearnable.cli import options
from unlearnable.cli.console import shown
from unlearnable.config import BenchmarkSettings
from unlearnable.errors import Interrupted
from unlearnable.results import BenchmarkPlan, BenchmarkReport


def _default(name: str) -> str:
    return options.told(BenchmarkSettings, name)


def benchmark(
    dataset: Annotated[
        str | None, typer.Option(help="pubfig, flickr8k, flickr30k or coco (`unlearnable datasets`).")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Its folder. (default: $UNLEARNABLE_DATA/DATASET, then the cache folder)")
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            help="clean, random, em, uap, mem-K, mem-K-natural, the last two also with -end or -random for where the "
            "trigger stands; repeat it, or a,b,c. (default: those of the scale)"
        ),
    ] = None,
    surrogate: Annotated[str | None, typer.Option(help="Model to protect on. (default: that of the scale)")] = None,
    victims: Annotated[
        list[str] | None, typer.Option(help="Model to train; repeat it, or a,b,c. (default: those of the scale)")
    ] = None,
    fractions: Annotated[
        str | None, typer.Option(help="Shares of the posts protected, 1.0,0.9,0.5,0.2. (default: of the scale)")
    ] = None,
    through: Annotated[
        list[str] | None, typer.Option(help=f"What a scraper does to the posts first. {_default('through')}")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help=f"Of the trainings. {_default('seeds')}")] = None,
    scale: Annotated[
        config.ScaleName | None,
        typer.Option(
            help=f"tiny only shows that it runs, small fits two cores, paper is the paper's. {_default('scale')}"
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Photos to train on at most; of faces, of each person. (default: of the scale)")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the results. (default: benchmark-DATASET)")] = None,
    cache_dir: Annotated[Path | None, typer.Option(help="Where decoded photos are kept. (default: the cache)")] = None,
    latex: Annotated[bool | None, typer.Option("--latex", help="Also write table.tex.")] = None,
    device: options.Device = None,
    resume: options.Resume = False,
    list_cells: Annotated[bool, typer.Option("--list", help="Show cells and estimated time, and stop.")] = False,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Run the paper's tables: each cell trains a victim on protected posts and ranks clean test photos.

    Finished cells are kept and never run again. Several GPUs: `accelerate launch -m unlearnable benchmark ...`.
    """
    flags: dict[str, Any] = {name: value for name, value in locals().items() if name in BenchmarkSettings.model_fields}
    flags |= {name: options.several(flags[name]) for name in ("methods", "victims", "through")}
    flags |= {name: options.several([flags[name]] if flags[name] else None) for name in ("seeds", "fractions")}
    settings = config.resolve_as(BenchmarkSettings, flags, config_file)
    if print_config:
        typer.echo(config.to_toml(settings), nl=False)
        return
    from unlearnable.benchmarks import study

    try:
        with shown(quiet=quiet) as progress:
            result = (
                study.plan(settings, progress=progress)
                if list_cells
                else study.benchmark(settings, resume=resume, progress=progress)
            )
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="the same command with --resume goes on where it was") from None
    if study.process()[0]:
        return  # the first of several processes tells
    if as_json:
        options.print_json(result)
    elif isinstance(result, BenchmarkPlan):
        _show_plan(result)
    else:
        _show(result)


def _show_plan(plan: BenchmarkPlan) -> None:
    console = Console(highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("method", "victim", "protected", "through", "seed", "time"):
        table.add_column(head, overflow="fold")
    for cell in plan.cells:
        share = f"{100 * cell.fraction:g} %" if cell.surrogate else "-"
        when = "there" if cell.done else _minutes(cell.seconds)
        table.add_row(cell.method, cell.victim, share, cell.through, str(cell.seed), when)
    console.print(table)
    for method, seconds in plan.protection_seconds.items():
        console.print(f"making the noise of {method}: {_minutes(seconds)}", markup=False)
    console.print(f"{plan.train_photos} photos to train on; about {_minutes(plan.seconds)} in all", markup=False)


def _show(report: BenchmarkReport) -> None:
    """The tables, each in 80 columns, with the notes below."""
    console = Console(highlight=False)
    for record in report.tables:
        console.print(record.title, style="bold", markup=False)
        table = Table(box=None, padding=(0, 1, 0, 0))
        for number, head in enumerate(record.heads):
            table.add_column(head, justify="left" if number == 0 else "right", overflow="fold")
        for row in record.rows:
            table.add_row(*row)
        console.print(table)
        for note in record.notes:
            console.print(f"  {note}", markup=False)
    for note in report.notes:
        console.print(f"note: {note}", markup=False)
    console.print(
        f"{report.ran} cells run, {report.reused} there already; tables and figures: {report.output} "
        f"({report.seconds:.0f} s)",
        markup=False,
        soft_wrap=True,
    )


def _minutes(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
