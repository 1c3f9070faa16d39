"""`unlearnable protect`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearnable import config
from unlearnable.cli import options
from unlearnable.cli.options import HOW, MORE, OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.config import ProtectSettings
from unlearnable.methods import METHODS
from unlearnable.progress import Progress
from unlearnable.report.sparkline import sparkline
from unlearnable.results import ProtectPlan, ProtectReport, SkippedRecord

WHAT = "What to protect"
SKIPPED_SHOWN = 20

_option = options.of(ProtectSettings)


def protect(
    context: typer.Context,
    photos: Annotated[list[Path], options.argument(ProtectSettings, "photos")],
    captions: Annotated[Path | None, _option("captions", WHAT)] = None,
    preset: Annotated[config.Preset | None, _option("preset", HOW)] = None,
    epsilon: Annotated[int | None, _option("epsilon", HOW)] = None,
    surrogate: Annotated[list[str] | None, _option("surrogate", HOW)] = None,
    method: Annotated[str | None, _option("method", HOW, choices=METHODS)] = None,
    trigger_length: Annotated[int | None, _option("trigger_length", HOW)] = None,
    trigger_vocabulary: Annotated[config.Vocabulary | None, _option("trigger_vocabulary", HOW)] = None,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    format: Annotated[config.Format | None, _option("format", OUTPUT)] = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be done and how long it would take.", rich_help_panel=OUTPUT),
    ] = False,
    platform: Annotated[config.PlatformName | None, _option("platform", OUTPUT, "--for")] = None,
    quality: Annotated[int | None, _option("quality", OUTPUT)] = None,
    keep_metadata: Annotated[config.Keep | None, _option("keep_metadata", OUTPUT)] = None,
    trigger_scope: Annotated[config.Scope | None, _option("trigger_scope", MORE)] = None,
    trigger_position: Annotated[config.Position | None, _option("trigger_position", MORE)] = None,
    avoid_words: Annotated[Path | None, _option("avoid_words", MORE)] = None,
    language_model: Annotated[str | None, _option("language_model", MORE)] = None,
    fluency: Annotated[float | None, _option("fluency", MORE)] = None,
    threshold: Annotated[float | None, _option("threshold", MORE)] = None,
    max_rounds: Annotated[int | None, _option("max_rounds", MORE)] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="Setting of its own of a method from an installed package. Repeat it for more.",
            metavar="NAME=VALUE",
            rich_help_panel=MORE,
        ),
    ] = None,
    strict: Annotated[bool | None, _option("strict", MORE, "--strict")] = None,
    seed: Annotated[int | None, _option("seed", MORE)] = None,
    precision: Annotated[config.Precision | None, _option("precision", MORE)] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write protected copies of photos and captions.

    Photos get noise that is hard to see, captions get a few words; a model trained on both learns
    the link between the two instead of the content. The originals are never changed. The
    copies go to PHOTOS-protected, what must stay private to PHOTOS-protected.private; of single
    photos PHOTOS is the folder they are in.

    This is no guarantee: it weakens what models learn from the posts, and a determined
    attacker can weaken it in turn (a greyscale copy, new captions).
    """

    def work(settings: ProtectSettings, progress: Progress) -> ProtectPlan | ProtectReport:
        from unlearnable.workflows.protect.dry_run import plan
        from unlearnable.workflows.protect.run import protect as run

        if dry_run:
            return plan(settings, progress=progress)
        return run(settings, resume=resume, overwrite=overwrite, progress=progress)

    hint = "--resume continues after the last finished round or photo"
    own = {"options": options.named_values(option)} if option else {}
    run_command(context, ProtectSettings, work, _show, hint=hint, found=own)


def _show(result: ProtectPlan | ProtectReport) -> None:
    if isinstance(result, ProtectPlan):
        _show_plan(result)
    else:
        _show_report(result)


def _show_report(report: ProtectReport) -> None:
    """The outcome in a table that fits 80 columns."""
    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("protected", f"{report.protected} of {report.photos} photos, {report.captions} captions")
    noise = f"at most {report.noise_linf_max}/255; PSNR {report.psnr_mean:.1f} dB, SSIM {report.ssim_mean:.3f}"
    table.add_row("noise", noise + _seen(report))
    table.add_row("files", f"{report.bytes_in / 1e6:.1f} MB -> {report.bytes_out / 1e6:.1f} MB" + _kept(report))
    table.add_row("triggers", f"{100 * report.trigger_roundtrip:.0f} % survive text -> tokens" + _variety(report))
    table.add_row(
        "loss", f"{report.loss_first:.3f} clean -> {report.loss_last:.4f} on the written files" + _unencoded(report)
    )
    if curve := sparkline(report.loss_rounds, plain=console.options.ascii_only):
        table.add_row("by round", f"{curve} {report.loss_rounds[0]:.3g} -> {report.loss_rounds[-1]:.3g}")
    table.add_row("rounds", f"{report.rounds}, stopped by {report.stopped}; {report.seconds:.0f} s on {report.device}")
    table.add_row("publish", Text(report.output))
    table.add_row("keep private", Text(report.private))
    console.print(table)
    _show_skipped(console, report.skipped, "the manifest lists them")
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False)


def _seen(report: ProtectReport) -> str:
    """How visible the noise is; empty in a report of an old version, which `--resume` shows again."""
    if report.flip_mean is None or report.delta_e_mean is None:
        return ""
    return f"; FLIP {report.flip_mean:.3f}, dE {report.delta_e_mean:.2f}"


def _kept(report: ProtectReport) -> str:
    kept = report.noise_kept_mean
    return "" if kept is None or kept == 1 else f"; they keep {100 * kept:.0f} % of the noise"


def _unencoded(report: ProtectReport) -> str:
    before = report.loss_before_encoding
    return "" if before is None or before == report.loss_last else f" ({before:.4f} if lossless)"


def _variety(report: ProtectReport) -> str:
    return f"; {report.triggers.distinct} different" if report.triggers else ""


def _show_plan(plan: ProtectPlan) -> None:
    console = Console()
    for line in (
        f"would protect {plan.photos} photos with {plan.captions} captions ({plan.caption_format})",
        f"into {plan.output}, at most {plan.rounds_at_most} rounds against {', '.join(plan.surrogates)}",
        f"about {plan.seconds_estimated / 60:.1f} minutes and {plan.bytes_estimated / 1e6:.0f} MB",
    ):
        console.print(line, markup=False)
    _show_skipped(console, plan.skipped, "--json lists them")


def _show_skipped(console: Console, skipped: Sequence[SkippedRecord], others: str) -> None:
    """The first skipped photos and rows, and where all of them are listed."""
    for one in skipped[:SKIPPED_SHOWN]:
        console.print(f"skipped {one.where}: {one.reason} ({one.detail})", markup=False, highlight=False)
    if len(skipped) > SKIPPED_SHOWN:
        console.print(f"and {len(skipped) - SKIPPED_SHOWN} more: {others}", markup=False)
