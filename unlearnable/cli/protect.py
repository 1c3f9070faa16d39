"""`unlearnable protect`, and its result on a terminal of 80 columns."""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import typer
from rich.filesize import decimal

from unlearnable.cli.console import console, run_command, show_skipped
from unlearnable.cli.options import HOW, MORE, OUTPUT, with_settings
from unlearnable.errors import InputError
from unlearnable.methods import METHODS
from unlearnable.settings import ProtectSettings
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

if TYPE_CHECKING:
    from unlearnable.report import ProtectPlan, ProtectReport

ENOUGH = 100  # photos, from which on `verify` can tell anything


@with_settings(
    ProtectSettings,
    "photos",
    {
        "What to protect": "captions only skip",
        HOW: "preset look epsilon words names name surrogate method",
        OUTPUT: "output format resume overwrite add dry_run platform keep_metadata keep_fields opt_out",
        MORE: "seed device",
    },
    flags={"platform": ["--for"]},
    choices={"method": METHODS},
)
def protect(context: typer.Context, resume: bool, overwrite: bool, add: bool, dry_run: bool, **_: Any) -> None:
    """Write protected copies of photos and captions to PHOTOS-protected.

    Photos get noise that is hard to see, captions get a few words. The originals are never changed. Keep
    PHOTOS-protected.private to yourself. It reduces what models learn from the posts, and guarantees nothing.
    """

    def work(settings: ProtectSettings, progress: Progress) -> "ProtectPlan | ProtectReport | None":
        from unlearnable.protect.posts import source_of

        source_of(settings.photos)
        METHODS.summary(settings.method)  # what is wrong is refused before the run says that it starts
        if is_first():
            progress.phase("starting", 0)  # before anything heavy is imported
        elif dry_run or add:
            return None  # the first process does it alone
        from unlearnable.protect.add import add as run_adding
        from unlearnable.protect.run import plan, protect_together as run

        if dry_run:
            return plan(settings, add=add, resume=resume, overwrite=overwrite, progress=progress)
        if add:
            return run_adding(settings, progress=progress)
        return run(settings, resume=resume, overwrite=overwrite, progress=progress)

    resolve: Callable[..., ProtectSettings] | None = None
    if add:
        from unlearnable.protect.add import settings_to_add
        from unlearnable.protect.records import refuse_both

        resolve = settings_to_add
        refuse_both(resume=resume, overwrite=overwrite, add=True)
    hint = f"{'the same command' if add else '--resume'} continues after the last finished round or photo"
    result = run_command(context, ProtectSettings, work, partial(_show, add=add), hint=hint, resolve=resolve)
    if result is not None:
        from unlearnable.report import CHANGED

        if any(one.reason == CHANGED for one in result.skipped):  # a photo that changed while the run went on
            raise typer.Exit(InputError.exit_code)


def _show(result: "ProtectPlan | ProtectReport", *, add: bool) -> None:
    from unlearnable.report import ProtectPlan

    out = console()
    if isinstance(result, ProtectPlan):
        listed, lines = "list with --json", plan_lines(result)
    elif add and not result.added:
        listed, lines = "list with --json", [f"Nothing to add: {result.output} has a copy of every other photo."]
    else:
        listed, lines = f"list in {result.private}/manifest.jsonl", closing_lines(result)
    show_skipped(out, result.skipped, listed)
    for line in lines:
        out.print(line, soft_wrap=True)


def closing_lines(report: "ProtectReport") -> list[str]:
    """Return what was written, what to post, what to keep, how to test, and one caveat; report.html has the rest."""
    from unlearnable.protect.layout import METADATA

    words = f", {counted(report.captions, 'caption')} with added words" if report.triggers else ""
    own = report.captions_file or METADATA
    captions = "each with the text beside it" if report.caption_format == "sidecar" else f"with the captions in {own}"
    test = "unlearnable verify"
    if report.protected < ENOUGH:
        test = f"{counted(report.protected, 'photo')} cannot be judged; {test} needs about {ENOUGH}."
    caveat = "whoever knows the method can weaken it."
    if report.method != "mem":
        caveat = f"{report.method} is for comparison; mem protects better."
    elif report.triggers:
        caveat = "anyone sees the added words, and removing them undoes part."
    return [
        f"Wrote {counted(report.protected, 'protected photo')}{words} to {report.output}",
        f"Post: the photos there, {captions}, instead of yours.",
        f"Keep: {report.private} to yourself (report.html is in it).",
        f"Test: {test}",
        f"No guarantee: {caveat}",
    ]


def plan_lines(plan: "ProtectPlan") -> list[str]:
    """Return what a run would do, how long it would take and how much it would write."""
    took = ""
    if plan.seconds_estimated is not None:
        took = f"; about {math.ceil(plan.seconds_estimated / 60)} min on one core"
    return [
        f"would protect {counted(plan.photos, 'photo')} with {counted(plan.captions, 'caption')} "
        f"({plan.caption_format}){took}",
        f"would write about {decimal(plan.bytes_estimated)} to {plan.output} ({decimal(plan.bytes_free)} free)",
        *([f"would be refused: {plan.refused}"] if plan.refused else []),
    ]
