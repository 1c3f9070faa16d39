"""`unlearnable protect`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from unlearnable import config
from unlearnable.cli.console import shown
from unlearnable.errors import Interrupted
from unlearnable.methods import METHODS
from unlearnable.report.sparkline import sparkline
from unlearnable.results import ProtectPlan, ProtectReport


def _default(name: str) -> str:
    value = config.ProtectSettings.model_fields[name].default
    return f"(default: {', '.join(value) if isinstance(value, tuple) else value})"


def protect(
    photos: Annotated[Path, typer.Argument(help="Folder of photos, or a caption file that names them.")],
    captions: Annotated[
        Path | None, typer.Option(help="Caption file: JSONL, CSV, TSV, COCO, Karpathy, Flickr.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Folder to write to. (default: PHOTOS-protected)")] = None,
    method: Annotated[str | None, typer.Option(help=f"{', '.join(METHODS)}. {_default('method')}")] = None,
    surrogate: Annotated[
        list[str] | None,
        typer.Option(help=f"Model to optimise against; repeat it for an ensemble. {_default('surrogate')}"),
    ] = None,
    epsilon: Annotated[int | None, typer.Option(help=f"Bound of the noise in 1/255. {_default('epsilon')}")] = None,
    trigger_length: Annotated[int | None, typer.Option(help=f"Words a trigger. {_default('trigger_length')}")] = None,
    trigger_vocabulary: Annotated[
        config.Vocabulary | None, typer.Option(help=f"Where the words come from. {_default('trigger_vocabulary')}")
    ] = None,
    trigger_scope: Annotated[
        config.Scope | None, typer.Option(help=f"A trigger a photo, or one for all. {_default('trigger_scope')}")
    ] = None,
    trigger_position: Annotated[
        config.Position | None, typer.Option(help=f"Where it stands. {_default('trigger_position')}")
    ] = None,
    language_model: Annotated[
        str | None,
        typer.Option(help=f"Masked language model for natural triggers: NAME or PATH. {_default('language_model')}"),
    ] = None,
    fluency: Annotated[
        float | None, typer.Option(help=f"What natural wording counts against protection. {_default('fluency')}")
    ] = None,
    avoid_words: Annotated[Path | None, typer.Option(help="File of words that no trigger may hold.")] = None,
    preset: Annotated[config.Preset | None, typer.Option(help=f"How much work is done. {_default('preset')}")] = None,
    threshold: Annotated[float | None, typer.Option(help=f"Stop below this loss. {_default('threshold')}")] = None,
    max_rounds: Annotated[int | None, typer.Option(help="Rounds at most. (default: by preset)")] = None,
    format: Annotated[config.Format | None, typer.Option(help=f"Of the written photos. {_default('format')}")] = None,
    quality: Annotated[int | None, typer.Option(help=f"Of JPEG files. {_default('quality')}")] = None,
    keep_metadata: Annotated[
        config.Keep | None, typer.Option(help=f"EXIF that stays; GPS goes unless all. {_default('keep_metadata')}")
    ] = None,
    seed: Annotated[int | None, typer.Option(help=f"Of all randomness. {_default('seed')}")] = None,
    device: Annotated[config.Device | None, typer.Option(help=f"Where models run. {_default('device')}")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")] = False,
    strict: Annotated[bool | None, typer.Option("--strict", help="Fail if any photo cannot be protected.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and how long it takes.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file of settings.")] = None,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print the settings and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Write protected copies of photos and captions.

    Photos get noise nobody sees, captions get a few words; a model trained on both learns
    the link between the two instead of the content. The originals are never changed. The
    copies go to PHOTOS-protected, what must stay private to PHOTOS-protected.private.

    This is no guarantee: it weakens what models learn from the posts, and a determined
    attacker can weaken it in turn (a greyscale copy, new captions).
    """
    flags: dict[str, Any] = {
        name: value for name, value in locals().items() if name in config.ProtectSettings.model_fields
    }
    flags["surrogate"] = tuple(surrogate) if surrogate else None
    settings = config.resolve_as(config.ProtectSettings, flags, config_file)
    if print_config:
        typer.echo(config.to_toml(settings), nl=False)
        return
    # torch and open_clip are imported here and not before: --help must answer at once
    from unlearnable.workflows.protect.dry_run import plan
    from unlearnable.workflows.protect.run import protect as run

    result: ProtectPlan | ProtectReport
    try:
        with shown(quiet=quiet) as progress:
            if dry_run:
                result = plan(settings, progress=progress)
            else:
                result = run(settings, resume=resume, overwrite=overwrite, progress=progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="--resume goes on from the last finished round or photo") from None
    if as_json:
        sys.stdout.write(result.model_dump_json() + "\n")
    elif isinstance(result, ProtectPlan):
        _show_plan(result)
    else:
        _show(result)


def _show(report: ProtectReport) -> None:
    """The outcome in a table that fits 80 columns."""
    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("protected", f"{report.protected} of {report.photos} photos, {report.captions} captions")
    table.add_row(
        "noise", f"at most {report.linf_max}/255; PSNR {report.psnr_mean:.1f} dB, SSIM {report.ssim_mean:.3f}"
    )
    table.add_row("triggers", f"{100 * report.trigger_roundtrip:.0f} % survive text -> tokens" + _variety(report))
    table.add_row("loss", f"{report.loss_first:.3f} clean -> {report.loss_last:.4f} on the written files")
    if curve := sparkline(report.loss_rounds, plain=console.options.ascii_only):
        table.add_row("by round", f"{curve} {report.loss_rounds[0]:.3g} -> {report.loss_rounds[-1]:.3g}")
    table.add_row("rounds", f"{report.rounds}, stopped by {report.stopped}; {report.seconds:.0f} s on {report.device}")
    table.add_row("publish", report.output)
    table.add_row("keep private", report.private)
    console.print(table)
    _show_skipped(console, [(s.where, s.reason, s.detail) for s in report.skipped])
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False)


def _variety(report: ProtectReport) -> str:
    return f"; {report.triggers.distinct} different" if report.triggers else ""


def _show_plan(plan: ProtectPlan) -> None:
    console = Console()
    console.print(f"would protect {plan.photos} photos with {plan.captions} captions ({plan.caption_format})")
    console.print(f"into {plan.output}, at most {plan.rounds_at_most} rounds against {', '.join(plan.surrogates)}")
    console.print(f"about {plan.seconds_estimated / 60:.1f} minutes and {plan.bytes_estimated / 1e6:.0f} MB")
    _show_skipped(console, [(s.where, s.reason, s.detail) for s in plan.skipped])


def _show_skipped(console: Console, skipped: list[tuple[str, str, str]]) -> None:
    for where, reason, detail in skipped[:20]:
        console.print(f"skipped {where}: {reason} ({detail})", markup=False, highlight=False)
    if len(skipped) > 20:
        console.print(f"and {len(skipped) - 20} more, all in the manifest")
