"""`unlearnable train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from unlearnable import config
from unlearnable.cli import options
from unlearnable.cli.console import shown
from unlearnable.config import TrainSettings
from unlearnable.errors import Interrupted
from unlearnable.results import TrainReport


def _default(name: str) -> str:
    return options.told(TrainSettings, name)


def train(
    data: Annotated[
        list[Path] | None, typer.Option(help="Folder of photos with captions; repeat it to train on several.")
    ] = None,
    captions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Caption file of each --data; `people` for folders of faces with invented names, "
            "`people:real` with their own. (default: the one in the folder)"
        ),
    ] = None,
    test_fraction: Annotated[
        float | None, typer.Option(help=f"Share held out where the data names no split. {_default('test_fraction')}")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="An architecture (conv-small, resnet-small, vit-small, RN50 ...) is trained from scratch; "
            f"`small`, RN50:openai or a checkpoint is fine-tuned. {_default('model')}"
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help=f"Checkpoint to write. {_default('output')}")] = None,
    epochs: Annotated[int | None, typer.Option(help="(default: 32 from scratch, 10 in fine-tuning)")] = None,
    lr: Annotated[
        float | None, typer.Option(help="(default: 5e-4 from scratch, 1e-3 for small models, else 1e-5)")
    ] = None,
    batch_size: options.BatchSize = None,
    weight_decay: Annotated[float | None, typer.Option(help=f"Of matrices. {_default('weight_decay')}")] = None,
    warmup: Annotated[
        float | None, typer.Option(help=f"Share of the steps in which the rate rises. {_default('warmup')}")
    ] = None,
    smallest_crop: options.SmallestCrop = None,
    one_caption: Annotated[
        bool | None,
        typer.Option("--one-caption/--all-captions", help="Of each photo in an epoch. (default: all)"),
    ] = None,
    precision: Annotated[
        config.Precision | None, typer.Option(help=f"auto is bf16 on a GPU that has it. {_default('precision')}")
    ] = None,
    seed: options.Seed = None,
    device: options.Device = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train or fine-tune a CLIP, to protect against it (surrogate) or to test with it (victim).

    Several GPUs: `accelerate launch -m unlearnable train ...`; the contrastive loss is over the
    batch of all processes.
    """
    flags: dict[str, Any] = {name: value for name, value in locals().items() if name in TrainSettings.model_fields}
    flags |= {name: tuple(flags[name]) if flags[name] else None for name in ("data", "captions")}
    settings = config.resolve_as(TrainSettings, flags, config_file)
    if print_config:
        typer.echo(config.to_toml(settings), nl=False)
        return
    from unlearnable.workflows.train import train as run

    try:
        with shown(quiet=quiet) as progress:
            report = run(settings, resume=resume, overwrite=overwrite, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="--resume goes on from the last finished epoch") from None
    if not report.sha256:
        return  # not the first of several processes
    if as_json:
        options.print_json(report)
    else:
        _show(report)


def _show(report: TrainReport) -> None:
    """The curves as a table that fits 80 columns."""
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("epoch", "loss", "image->text Hit@10", "Medr", "text->image Hit@10", "Medr"):
        table.add_column(head, justify="right")
    for row in [report.before, *report.history]:
        ways = [way for way in (row.image_to_text, row.text_to_image) if way]
        cells = [cell for way in ways for cell in (f"{way.hit10:.1f}", f"{way.medr:g}")]
        table.add_row(str(row.epoch), "-" if row.loss is None else f"{row.loss:.3f}", *cells)
    console.print(table)
    console.print(f"{report.pairs} pairs of {report.photos} photos, {report.held_out_photos} held out")
    console.print(f"{report.seconds:.0f} s on {report.device}; written to {report.output}", soft_wrap=True)
