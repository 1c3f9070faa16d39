"""`unlearnable protect`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnable.cli import options
from unlearnable.cli.options import HOW, MORE, OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.errors import InputError
from unlearnable.methods import METHODS
from unlearnable.settings import Format, Keep, NameStyle, PlatformName, Preset, ProtectSettings
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress

if TYPE_CHECKING:
    from unlearnable.report import ProtectPlan, ProtectReport

WHAT = "What to protect"

_option = options.of(ProtectSettings)


def protect(
    context: typer.Context,
    photos: Annotated[list[Path] | None, options.argument(ProtectSettings, "photos")] = None,
    captions: Annotated[Path | None, _option("captions", WHAT)] = None,
    only: Annotated[list[str] | None, _option("only", WHAT)] = None,
    skip: Annotated[list[str] | None, _option("skip", WHAT)] = None,
    preset: Annotated[Preset | None, _option("preset", HOW)] = None,
    epsilon: Annotated[int | None, _option("epsilon", HOW)] = None,
    surrogate: Annotated[list[str] | None, _option("surrogate", HOW)] = None,
    method: Annotated[str | None, _option("method", HOW, choices=METHODS)] = None,
    trigger_length: Annotated[int | None, _option("trigger_length", HOW)] = None,
    words: Annotated[Path | None, _option("words", HOW)] = None,
    names: Annotated[NameStyle | None, _option("names", HOW)] = None,
    name: Annotated[list[str] | None, _option("name", HOW)] = None,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    format: Annotated[Format | None, _option("format", OUTPUT)] = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    add: Annotated[
        bool,
        typer.Option(
            "--add",
            help="Protect only photos that an earlier result lacks.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what a run would do; write nothing.", rich_help_panel=OUTPUT),
    ] = False,
    platform: Annotated[PlatformName | None, _option("platform", OUTPUT, "--for")] = None,
    keep_metadata: Annotated[Keep | None, _option("keep_metadata", OUTPUT)] = None,
    keep_fields: Annotated[list[str] | None, _option("keep_fields", OUTPUT)] = None,
    opt_out: Annotated[bool | None, _option("opt_out", OUTPUT, "--opt-out")] = None,
    seed: Annotated[int | None, _option("seed", MORE)] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write protected copies of photos and captions to PHOTOS-protected.

    Photos get noise that is hard to see, captions get a few words. The originals are never changed. Keep
    PHOTOS-protected.private to yourself. It reduces what models learn from the posts, and guarantees nothing.
    """

    def work(settings: ProtectSettings, progress: Progress) -> ProtectPlan | ProtectReport | None:
        from unlearnable.protect.add import add as run_adding
        from unlearnable.protect.dry_run import plan
        from unlearnable.protect.run import protect_together as run

        if (dry_run or add) and not is_first():
            return None  # the first process does it alone
        if dry_run:
            return plan(settings, add=add, resume=resume, overwrite=overwrite, progress=progress)
        if add:
            return run_adding(settings, progress=progress)
        return run(settings, resume=resume, overwrite=overwrite, progress=progress)

    resolve: Callable[..., ProtectSettings] | None = None
    if add:
        from unlearnable.protect.earlier import continued
        from unlearnable.protect.resume import refuse_both

        resolve = continued
        refuse_both(resume=resume, overwrite=overwrite, add=True)
    hint = f"{'the same command' if add else '--resume'} continues after the last finished round or photo"
    show = partial(_show, add=add)
    result = run_command(context, ProtectSettings, work, show, hint=hint, check=_check, resolve=resolve)
    if result is not None and _any_changed(result):
        raise typer.Exit(InputError.exit_code)


def _any_changed(result: ProtectPlan | ProtectReport) -> bool:
    """Return whether a photo was left out as it changed while the run went on."""
    from unlearnable.report.protect import CHANGED

    return any(one.reason == CHANGED for one in result.skipped)


def _check(settings: ProtectSettings) -> None:
    """Refuse paths and names that are wrong before the run says that it starts."""
    from unlearnable.protect.posts import source_of

    source_of(settings.photos)
    METHODS.summary(settings.method)  # an unknown name is refused without loading any


def _show(result: ProtectPlan | ProtectReport, *, add: bool) -> None:
    from unlearnable.cli.protected import show_nothing_added, show_plan, show_report
    from unlearnable.report import ProtectPlan

    if isinstance(result, ProtectPlan):
        show_plan(result)
    elif add and not result.added:
        show_nothing_added(result)
    else:
        show_report(result)
