"""What `protect` did or would do, on a terminal of 80 columns."""

from __future__ import annotations

from unlearnable.cli.console import console, show_skipped
from unlearnable.protect.layout import METADATA
from unlearnable.report import ProtectPlan, ProtectReport
from unlearnable.wording import counted

DEFAULT_METHOD = "mem"
ENOUGH = 100  # photos, of which `verify` can tell anything


def show_report(report: ProtectReport) -> None:
    """Five lines at most, and one on photos that were left out; figures and remarks are in report.html."""
    out = console()
    show_skipped(out, report.skipped, f"list in {report.private}/manifest.jsonl")
    for line in closing_lines(report):
        out.print(line, soft_wrap=True)


def show_nothing_added(report: ProtectReport) -> None:
    """What `--add` says where an earlier result lacks no photo."""
    out = console()
    show_skipped(out, report.skipped, "list with --json")
    out.print(f"Nothing to add: {report.output} has a copy of every other photo.", soft_wrap=True)


def closing_lines(report: ProtectReport) -> list[str]:
    """Return what was written, what to post, what to keep, how to test, and one caveat."""
    words = f", {counted(report.captions, 'caption')} with added words" if report.triggers else ""
    own = report.captions_file or METADATA
    captions = "each with the text beside it" if report.caption_format == "sidecar" else f"with the captions in {own}"
    return [
        f"Wrote {counted(report.protected, 'protected photo')}{words} to {report.output}",
        f"Post: the photos there, {captions}, instead of yours.",
        f"Keep: {report.private} to yourself (report.html is in it).",
        _test(report),
        _caveat(report),
    ]


def _test(report: ProtectReport) -> str:
    if report.protected < ENOUGH:
        judged = "1 photo cannot be judged" if report.protected == 1 else f"{report.protected} photos cannot be judged"
        return f"Test: {judged}; unlearnable verify needs about {ENOUGH}."
    return "Test: unlearnable verify"


def _caveat(report: ProtectReport) -> str:
    if report.method != DEFAULT_METHOD:
        return f"No guarantee: {report.method} is for comparison; {DEFAULT_METHOD} protects better."
    if report.triggers:
        return "No guarantee: anyone sees the added words, and removing them undoes part."
    return "No guarantee: whoever knows the method can weaken it."


def show_plan(plan: ProtectPlan) -> None:
    """What a run would do."""
    out = console()
    show_skipped(out, plan.skipped, "list with --json")
    took = "" if plan.seconds_estimated is None else f"; about {duration(plan.seconds_estimated)} on one core"
    for line in (
        f"would protect {counted(plan.photos, 'photo')} with {counted(plan.captions, 'caption')} "
        f"({plan.caption_format}){took}",
        f"would write about {size(plan.bytes_estimated)} to {plan.output} ({size(plan.bytes_free)} free)",
    ):
        out.print(line, soft_wrap=True)
    if plan.refused:
        out.print(f"would be refused: {plan.refused}", soft_wrap=True)


def duration(seconds: float) -> str:
    """Return a time in words, rounded up, such as "3 min"."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60 + 0.49)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(number: int) -> str:
    """Return a number of bytes for people, in two digits or three: "240 MB"."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(max(len(str(number)) - 1, 0) // 3, len(units) - 1)
    value = number / 1000**power
    return f"{value:.1f} {units[power]}" if power and value < 10 else f"{value:.0f} {units[power]}"
