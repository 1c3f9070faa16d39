"""What `protect` did or would do, on a terminal of 80 columns."""

from __future__ import annotations

from rich.table import Table

from unlearnable.cli.console import console, show_notes, show_skipped
from unlearnable.report.sparkline import sparkline
from unlearnable.results import ProtectPlan, ProtectReport
from unlearnable.wording.counts import counted
from unlearnable.workflows.output.layout import METADATA

DEFAULT_METHOD = "mem"
ENOUGH = 100  # photos, of which `verify` can tell anything


def show_report(report: ProtectReport, *, verbose: bool = False) -> None:
    """Five lines at most, and one on photos that were left out; with `verbose` also remarks and figures."""
    out = console()
    if verbose:
        out.print(_figures(report, plain=out.options.ascii_only))
        show_notes(out, report.notes)
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


def _figures(report: ProtectReport, *, plain: bool) -> Table:
    """The figures in a table that fits 80 columns."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    noise = f"at most {report.noise_linf_max}/255; PSNR {report.psnr_mean:.1f} dB, SSIM {report.ssim_mean:.3f}"
    table.add_row("noise", noise + _seen(report))
    table.add_row("files", f"{size(report.bytes_in)} -> {size(report.bytes_out)}" + _kept(report))
    table.add_row("triggers", f"{100 * report.trigger_roundtrip:.0f} % survive text -> tokens" + _variety(report))
    if likeness := _likeness(report):
        table.add_row("similarity", likeness)
    table.add_row("loss", _loss(report))
    if curve := sparkline(report.loss_rounds, plain=plain):
        table.add_row("by round", f"{curve} {report.loss_rounds[0]:.3g} -> {report.loss_rounds[-1]:.3g}")
    table.add_row("rounds", f"{report.rounds}, stopped by {report.stopped}; {report.seconds:.0f} s on {report.device}")
    return table


def _seen(report: ProtectReport) -> str:
    """How visible the noise is; empty in a report of an old version, which `--resume` shows again."""
    if report.flip_mean is None or report.delta_e_mean is None:
        return ""
    return f"; FLIP {report.flip_mean:.3f}, dE {report.delta_e_mean:.2f}"


def _kept(report: ProtectReport) -> str:
    kept = report.noise_kept_mean
    return "" if kept is None or kept == 1 else f"; they keep {100 * kept:.0f} % of the noise"


def _loss(report: ProtectReport) -> str:
    if report.loss_first is None or report.loss_last is None:
        return "none: a single photo has no others to be told from"
    before = report.loss_before_encoding
    unencoded = "" if before is None or before == report.loss_last else f" ({before:.4f} if lossless)"
    return f"{report.loss_first:.3f} clean -> {report.loss_last:.4f} on the written files{unencoded}"


def _variety(report: ProtectReport) -> str:
    return f"; {report.triggers.distinct} different" if report.triggers else ""


def _likeness(report: ProtectReport) -> str:
    """How close words are to their clean photos; empty in a report of an old version."""
    if report.trigger_similarity is None or report.trigger_similarity_random is None:
        return ""
    return f"{report.trigger_similarity:.2f} to the photos; of random words {report.trigger_similarity_random:.2f}"


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
