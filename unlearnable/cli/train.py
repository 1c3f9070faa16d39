"""`unlearnable train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from unlearnable.cli import options
from unlearnable.cli.console import console, show_skipped
from unlearnable.cli.options import HOW, MORE, OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.settings import Precision, TrainSettings
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

if TYPE_CHECKING:
    from unlearnable.report import TrainReport

WHAT = "What to train on"

_option = options.of(TrainSettings)


def train(
    context: typer.Context,
    data: Annotated[list[Path] | None, _option("data", WHAT)] = None,
    captions: Annotated[list[Path] | None, _option("captions", WHAT)] = None,
    test_fraction: Annotated[float | None, _option("test_fraction", WHAT)] = None,
    model: Annotated[str | None, _option("model", HOW)] = None,
    from_scratch: Annotated[bool | None, _option("from_scratch", HOW, "--from-scratch/--pretrained")] = None,
    epochs: Annotated[int | None, _option("epochs", HOW)] = None,
    lr: Annotated[float | None, _option("lr", HOW)] = None,
    batch_size: Annotated[int | None, _option("batch_size", HOW)] = None,
    one_caption: Annotated[bool | None, _option("one_caption", HOW, "--one-caption/--all-captions")] = None,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    smallest_crop: Annotated[float | None, _option("smallest_crop", MORE)] = None,
    weight_decay: Annotated[float | None, _option("weight_decay", MORE)] = None,
    warmup: Annotated[float | None, _option("warmup", MORE)] = None,
    precision: Annotated[Precision | None, _option("precision", MORE)] = None,
    seed: Annotated[int | None, _option("seed", MORE)] = None,
    device: options.Device = None,
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

    def work(settings: TrainSettings, progress: Progress) -> TrainReport | None:
        from unlearnable.training.train import train as run

        return run(settings, resume=resume, overwrite=overwrite, progress=progress)

    run_command(context, TrainSettings, work, _show, hint="`resume=True` continues from its last checkpoint")


def _show(report: TrainReport) -> None:
    """The curves as a table that fits 80 columns."""
    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("epoch", "loss", "image->text Hit@10", "Medr", "text->image Hit@10", "Medr"):
        table.add_column(head, justify="right")
    for row in [report.before, *report.history]:
        ways = [way for way in (row.image_to_text, row.text_to_image) if way]
        cells = [cell for way in ways for cell in (f"{way.hit10:.1f}", f"{way.medr:g}")]
        table.add_row(str(row.epoch), "-" if row.loss is None else f"{row.loss:.3f}", *cells)
    out.print(table)
    out.print(
        f"{counted(report.pairs, 'pair')} of {counted(report.photos, 'photo')}, {report.held_out_photos} held out"
    )
    show_skipped(out, report.skipped, "the report beside the model lists them all")
    out.print(f"{report.seconds:.0f} s on {report.device}; written to {report.output}", soft_wrap=True)
