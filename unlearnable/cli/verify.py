"""`unlearnable verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearnable import config
from unlearnable.cli import options
from unlearnable.cli.console import shown
from unlearnable.config import VerifySettings
from unlearnable.errors import Interrupted
from unlearnable.report.curves import mean_curve
from unlearnable.report.rows import arm_label, table_rows
from unlearnable.report.sparkline import sparkline
from unlearnable.results import VerifyReport

MISSED = 10  # exit code


def _default(name: str) -> str:
    return options.told(VerifySettings, name)


def verify(
    originals: Annotated[
        Path | None, typer.Argument(help="Folder of the originals. (default: of the last protect run)")
    ] = None,
    protected: Annotated[
        Path | None, typer.Argument(help="Folder of the protected copies. (default: ORIGINALS-protected)")
    ] = None,
    captions: Annotated[
        Path | None, typer.Option(help="Caption file of the originals, or `people` for folders of faces.")
    ] = None,
    protected_captions: Annotated[
        Path | None, typer.Option(help="Caption file of the copies. (default: the same name among them)")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Folder of clean photos to rank instead.")] = None,
    test_captions: Annotated[Path | None, typer.Option(help="Their caption file.")] = None,
    test_fraction: Annotated[
        float | None, typer.Option(help=f"Share of the photos held out without --test. {_default('test_fraction')}")
    ] = None,
    background: Annotated[
        Path | None, typer.Option(help="Folder of other people's clean posts, mixed into every training.")
    ] = None,
    background_captions: Annotated[Path | None, typer.Option(help="Their caption file.")] = None,
    victims: Annotated[
        list[str] | None,
        typer.Option(help=f"Model to train, as for --surrogate; repeat it, or a,b,c. {_default('victims')}"),
    ] = None,
    from_scratch: Annotated[
        bool | None, typer.Option("--from-scratch", help="Train from random weights instead of fine-tuning.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="(default: 10, from scratch 32)")] = None,
    lr: Annotated[
        float | None, typer.Option(help="(default: 1e-3 for small models, 1e-5 for others, from scratch 5e-4)")
    ] = None,
    batch_size: options.BatchSize = None,
    smallest_crop: options.SmallestCrop = None,
    one_caption: Annotated[
        bool | None,
        typer.Option("--one-caption/--all-captions", help="Of each photo in an epoch. (default: one)"),
    ] = None,
    through: Annotated[
        list[str] | None,
        typer.Option(
            help="What a scraper does to the posts first: png, jpeg-75, img2dataset, grayscale ... "
            f"(`unlearnable attacks`); repeat it, or a,b,c. {_default('through')}"
        ),
    ] = None,
    ablations: Annotated[
        bool | None, typer.Option("--ablations", help="Also noise alone, words alone, random noise and words.")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help=f"Of the trainings. {_default('seeds')}")] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(help='Fail (exit 10) unless it holds for every victim: "hit10<=10", "medr>=30", "effect>=0.9".'),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of the report. (default: PROTECTED.verify)")] = None,
    seed: Annotated[int | None, typer.Option(help=f"Of the split. {_default('seed')}")] = None,
    device: options.Device = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Run again what was run before.")] = False,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train victims on the originals and on the protected copies, and compare what they learnt.

    Both are ranked on clean photos that no victim was trained on. Without arguments the last
    protect run is verified. A run that was stopped goes on where it was when it is given again.
    """
    flags: dict[str, Any] = {name: value for name, value in locals().items() if name in VerifySettings.model_fields}
    flags |= {name: options.several(flags[name]) for name in ("victims", "through", "require")}
    flags["seeds"] = options.several(None if seeds is None else [seeds])
    flags |= _which(flags, told=config_file is not None)
    settings = config.resolve_as(VerifySettings, flags, config_file)
    if print_config:
        typer.echo(config.to_toml(settings), nl=False)
        return
    from unlearnable.workflows.verify.run import verify as run

    try:
        with shown(quiet=quiet) as progress:
            report = run(settings, overwrite=overwrite, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="the same command goes on after the last finished training") from None
    if as_json:
        options.print_json(report)
    else:
        _show(report)
    if report.missed:
        sys.stderr.write("".join(f"missed {line}\n" for line in report.missed))
        raise typer.Exit(MISSED)


def _which(flags: dict[str, Any], *, told: bool) -> dict[str, Any]:
    """The folders to compare, where they were not both given."""
    if flags["protected"] is not None or told:
        return {}
    from unlearnable.workflows.history import pair_to_verify

    found = pair_to_verify(flags["originals"])
    sys.stderr.write(f"verifying {found.protected} against {found.originals} ({found.reason})\n")
    return {
        "originals": found.originals,
        "protected": found.protected,
        "captions": flags["captions"] or found.captions,
    }


def _show(report: VerifyReport) -> None:
    """Verdict first, then the table, in 80 columns."""
    console = Console(highlight=False)
    console.print(report.verdict, style="bold", markup=False)
    table = Table(box=None, padding=(0, 1, 0, 0))
    for head in ("victim", "trained on"):
        table.add_column(head, overflow="fold")
    for head in ("image->text\nHit@10", "\nMedr", "text->image\nHit@10", "\nMedr"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in table_rows(report):
        table.add_row(row.victim, row.arm, row.image_hit, row.image_medr, row.text_hit, row.text_medr)
    console.print(table)
    _show_losses(console, report)
    for one in report.findings:
        effects = [f"{e:.2f}" if e is not None else "-" for e in (one.effect, one.effect_image_to_text)]
        console.print(
            f"{one.victim}, {one.through}: effect {effects[0]} text->image, {effects[1]} image->text: {one.outcome}",
            markup=False,
        )
    gallery = report.gallery
    console.print(
        f"{gallery.photos} held-out photos ({gallery.source}), {gallery.train_photos} trained on, "
        f"seeds {', '.join(map(str, report.seeds))}, {len(gallery.near_duplicates)} near-duplicates dropped",
        markup=False,
    )
    for note in report.notes:
        console.print(f"note: {note}", markup=False)
    console.print(f"report: {report.output}/report.html ({report.seconds:.0f} s)", markup=False, soft_wrap=True)


def _show_losses(console: Console, report: VerifyReport) -> None:
    """The training loss of each arm as a line, mean over the seeds, all on one scale."""
    arms = dict.fromkeys((cell.victim, cell.data, cell.through) for cell in report.cells)
    curves = {
        arm: mean_curve([cell.loss_curve for cell in report.cells if (cell.victim, cell.data, cell.through) == arm])
        for arm in arms
    }
    top = max((loss for losses in curves.values() for loss in losses), default=0.0)
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for (victim, data, through), losses in curves.items():
        if curve := sparkline(losses, top=top, plain=console.options.ascii_only):
            name = Text(f"loss, {Path(victim).name}, {arm_label(data, through)}")
            table.add_row(name, Text(f"{curve} {losses[0]:.3g} -> {losses[-1]:.3g}"))
    console.print(table)
