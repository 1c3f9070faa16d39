"""What `protect` did or would do, on a terminal of 80 columns."""

from __future__ import annotations

from rich.table import Table

from unlearnable.cli.console import console, show_notes, show_skipped
from unlearnable.progress.forecast import duration
from unlearnable.report.sparkline import sparkline
from unlearnable.results import ProtectPlan, ProtectReport
from unlearnable.wording.counts import counted
from unlearnable.workflows.output.layout import METADATA

DEFAULT_METHOD = "mem"
HARDLY_SEEN = 8  # of 255: the default noise


def show_report(report: ProtectReport, *, verbose: bool = False) -> None:
    """The outcome in plain sentences and what to do next; with `verbose` also its figures in a table."""
    out = console()
    show_skipped(out, report.skipped, "the manifest lists them all")
    for sentence in in_plain_words(report):
        out.print(sentence)
    show_notes(out, report.notes)
    out.print("What to do next:", style="bold")
    for number, step in enumerate(next_steps(report), 1):
        out.print(f"  {number}. {step}", soft_wrap=True)
    if verbose:
        out.print(_figures(report, plain=out.options.ascii_only))


def show_nothing_added(report: ProtectReport) -> None:
    """What `--add` says where an earlier result lacks no photo."""
    out = console()
    show_skipped(out, report.skipped, "--json lists them all")
    out.print(f"nothing to add: {report.output} has a copy of every other photo already", soft_wrap=True)


def in_plain_words(report: ProtectReport) -> list[str]:
    """Return four sentences for people who never heard of noise and triggers; the threat model stands behind each."""
    have = "caption has" if report.captions == 1 else "captions have"
    words = f", and {report.captions} {have} a few more words" if report.triggers else ""
    alike = " that looks nearly the same" if (report.noise_linf_max or 0) <= HARDLY_SEEN else ""
    meant = (
        "A model like CLIP that is trained on these posts should learn less of what they show: clearly less if it "
        "starts like the bundled model, often hardly less if not."
    )
    if report.method != DEFAULT_METHOD:
        meant = f"The method {report.method} is there for comparison; {DEFAULT_METHOD} is the one that protects posts."
    undone = "somebody who knows of it may undo it."
    if report.triggers:
        undone = "the added words are plain to see, and somebody who takes them away undoes part or all of it."
    held = "photo has" if report.photos == 1 else "photos have"
    return [
        f"{report.protected} of {report.photos} {held} a protected copy{alike}{words}.",
        meant,
        "It does nothing against people, models that exist already or face search, and what is online stays as it is.",
        f"It is no guarantee: {undone}",
    ]


def next_steps(report: ProtectReport) -> list[str]:
    """Return what to do with the result."""
    own, captions = report.captions_file, f"its caption from {report.captions_file or METADATA} there"
    if report.caption_format == "sidecar":
        own, captions = "texts", "its caption from the text file beside it"
    if own and 0 < report.captions_found < report.protected:  # else all are in the file that is named
        alone = "their words are in the private manifest alone" if own == METADATA else f"theirs is in {METADATA}"
        captions += f" (of those without a caption of yours {alone})"
    publish = f"Post the photos in {report.output}, each with {captions}, in place of your own."
    if report.is_packed:
        publish = f"Hand on the shards in {report.output} in place of your own."
    return [
        f"Look at {report.private}/report.html in a browser.",
        publish,
        f"Keep {report.private} to yourself: whoever has it can undo the noise.",
    ]


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
    show_skipped(out, plan.skipped, "--json lists them all")
    for line in (
        f"would protect {counted(plan.photos, 'photo')} with {counted(plan.captions, 'caption')} "
        f"({plan.caption_format})",
        f"into {plan.output}, at most {counted(plan.rounds_at_most, 'round')} against {', '.join(plan.surrogates)}",
        f"about {duration(plan.seconds_estimated)} and {size(plan.bytes_estimated)}, "
        f"{size(plan.bytes_needed)} while it runs; {size(plan.bytes_free)} free",
    ):
        out.print(line)
    if plan.bytes_free < plan.bytes_needed:
        out.print(f"that is more than there is room for: choose another --output than {plan.output}")
    if plan.refused:
        out.print(f"it would be refused: {plan.refused}", soft_wrap=True)


def size(number: int) -> str:
    """Return a number of bytes for people, in two digits or three: "240 MB"."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min(max(len(str(number)) - 1, 0) // 3, len(units) - 1)
    value = number / 1000**power
    return f"{value:.1f} {units[power]}" if power and value < 10 else f"{value:.0f} {units[power]}"
