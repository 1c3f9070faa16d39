"""`unlearnable verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearnable import config
from unlearnable.attackers import ATTACKERS
from unlearnable.cli import options
from unlearnable.cli.options import HOW, MORE, OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.config import VerifySettings
from unlearnable.progress import Progress
from unlearnable.report.crowd_rows import crowd_rows
from unlearnable.report.curves import mean_curve
from unlearnable.report.rows import arm_label, table_rows
from unlearnable.report.sparkline import sparkline
from unlearnable.results import CrowdRecord, VerifyReport

MISSED = 10  # exit code


WHAT = "What to verify"
CROWD = "Among whom"

_option = options.of(VerifySettings)


def verify(
    context: typer.Context,
    originals: Annotated[Path | None, options.argument(VerifySettings, "originals")] = None,
    protected: Annotated[Path | None, options.argument(VerifySettings, "protected")] = None,
    captions: Annotated[Path | None, _option("captions", WHAT)] = None,
    protected_captions: Annotated[Path | None, _option("protected_captions", WHAT)] = None,
    test: Annotated[Path | None, _option("test", WHAT)] = None,
    test_captions: Annotated[Path | None, _option("test_captions", WHAT)] = None,
    test_fraction: Annotated[float | None, _option("test_fraction", WHAT)] = None,
    background: Annotated[Path | None, _option("background", WHAT)] = None,
    background_captions: Annotated[Path | None, _option("background_captions", WHAT)] = None,
    crowd: Annotated[Path | None, _option("crowd", CROWD)] = None,
    crowd_captions: Annotated[Path | None, _option("crowd_captions", CROWD)] = None,
    crowd_test: Annotated[Path | None, _option("crowd_test", CROWD)] = None,
    crowd_test_captions: Annotated[Path | None, _option("crowd_test_captions", CROWD)] = None,
    leaked: Annotated[float | None, _option("leaked", CROWD)] = None,
    victims: Annotated[list[str] | None, _option("victims", HOW)] = None,
    seeds: Annotated[list[str] | None, _option("seeds", HOW)] = None,
    through: Annotated[list[str] | None, _option("through", HOW)] = None,
    attackers: Annotated[list[str] | None, _option("attackers", HOW, "--attacker", choices=ATTACKERS)] = None,
    ablations: Annotated[bool | None, _option("ablations", HOW, "--ablations")] = None,
    from_scratch: Annotated[bool | None, _option("from_scratch", HOW, "--from-scratch")] = None,
    epochs: Annotated[int | None, _option("epochs", HOW)] = None,
    lr: Annotated[float | None, _option("lr", HOW)] = None,
    require: Annotated[list[str] | None, _option("require", OUTPUT)] = None,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Train again what was trained in an earlier run.", rich_help_panel=OUTPUT),
    ] = False,
    batch_size: Annotated[int | None, _option("batch_size", MORE)] = None,
    smallest_crop: Annotated[float | None, _option("smallest_crop", MORE)] = None,
    one_caption: Annotated[bool | None, _option("one_caption", MORE, "--one-caption/--all-captions")] = None,
    seed: Annotated[int | None, _option("seed", MORE)] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train victims on the originals and on the protected copies, and compare what they learnt.

    Both are ranked on clean photos that no victim was trained on. Without arguments the last
    protect run is verified. A stopped run continues when the same command is given again.
    """

    def work(settings: VerifySettings, progress: Progress) -> VerifyReport:
        from unlearnable.workflows.verify.run import verify as run

        return run(settings, overwrite=overwrite, progress=progress)

    known = protected is not None or config_file is not None or "protected" in config.from_environment(VerifySettings)
    pair = {} if known else _pair(originals, captions)
    hint = "the same command continues after the last finished training"
    report = run_command(context, VerifySettings, work, _show, hint=hint, found=pair)
    if report is not None and report.missed:
        sys.stderr.write("".join(f"missed {line}\n" for line in report.missed))
        raise typer.Exit(MISSED)


def _pair(originals: Path | None, captions: Path | None) -> dict[str, Path | None]:
    """The folders to compare, where they were not both given."""
    from unlearnable.workflows.history import pair_to_verify

    pair = pair_to_verify(originals)
    sys.stderr.write(f"verifying {pair.protected} against {pair.originals} ({pair.reason})\n")
    return {"originals": pair.originals, "protected": pair.protected, "captions": captions or pair.captions}


def _show(report: VerifyReport) -> None:
    """Verdict first, then the table, in 80 columns."""
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
    _show_losses(console, report)
    for one in report.findings:
        effects = [f"{e:.2f}" if e is not None else "-" for e in (one.effect, one.effect_image_to_text)]
        trained = one.through if one.attacker == config.AS_USUAL else f"{one.through}, {one.attacker}"
        console.print(
            f"{one.victim}, {trained}: effect {effects[0]} text->image, {effects[1]} image->text: {one.outcome}",
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


def _show_crowd(console: Console, crowd: CrowdRecord) -> None:
    """What was learnt of the protected people among the others, in 80 columns."""
    console.print(crowd.in_words, style="bold", markup=False)
    table = Table(box=None, padding=(0, 1, 0, 0))
    for head in ("victim", "trained on\nbeside the crowd"):
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
