"""`unlearnable explain` and `unlearnable preview`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnable.cli import options
from unlearnable.cli.console import console, print_json, run_command, show_table
from unlearnable.cli.options import MORE, OUTPUT
from unlearnable.settings import ExplainSettings
from unlearnable.storage.progress import Progress

if TYPE_CHECKING:
    from unlearnable.report import ExplainReport


@options.with_settings(
    ExplainSettings,
    "photo",
    {
        "What to explain": "caption trigger model map",
        OUTPUT: "output overwrite",
        MORE: "seed device",
    },
)
def explain(context: typer.Context, overwrite: bool, **_: Any) -> None:
    """Draw what models look at: Grad-CAM on the photo, integrated gradients on the words.

    With --map also how near each model puts photos and captions. Figures are written as PNG and
    SVG, the numbers behind them as explain.json.
    """

    def work(settings: ExplainSettings, progress: Progress) -> "ExplainReport":
        from unlearnable.explain.run import explain as run

        return run(settings, overwrite=overwrite, progress=progress)

    run_command(context, ExplainSettings, work, _show, hint="nothing was written; give the command again")


def _show(report: "ExplainReport") -> None:
    """The numbers behind the figures, in 80 columns."""
    out = console()
    if report.explanations:
        rows = []
        for one in report.explanations:
            ranked = sorted(one.words, key=lambda word: -abs(word.attribution))[:3]
            shares = (one.trigger_share, one.trigger_words_share)
            cells = ["-" if share is None else f"{100 * share:.0f}" for share in shares]
            rows.append((one.model, f"{one.similarity:.3f}", *cells, ", ".join(word.word for word in ranked)))
        heads = ("model", "cosine", "on the trigger,%", "of the words,%", "strongest words")
        show_table(out, heads, rows, justify="left")
    for drawn in report.maps:
        names = ("copies of a photo", "captions of a post", "photo and own captions", "and those of others")
        values = (drawn.cosine_copies, drawn.cosine_captions, drawn.cosine_own, drawn.cosine_others)
        shown = [f"{name} {value:.2f}" for name, value in zip(names, values, strict=True) if value is not None]
        out.print(f"{drawn.model}, mean cosines: {', '.join(shown)}")
    written = ", ".join([*report.files, "explain.json"])
    out.print(f"written to {report.output}: {written}", soft_wrap=True)


def preview(
    photo: Annotated[Path, typer.Argument(help="Original photo.", parser=options.place)],
    protected: Annotated[Path, typer.Argument(help="Protected copy of the photo.", parser=options.place)],
    output: Annotated[
        Path | None,
        typer.Option(
            help="PNG to write. (default: STEM-preview.png in the current folder)",
            rich_help_panel=OUTPUT,
            parser=options.place,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help=options.SWITCHES["overwrite"], rich_help_panel=OUTPUT)
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write one picture with a photo, its protected copy and the noise ten times stronger.

    The picture shows the original: do not publish it.
    """
    from unlearnable.explain.run import preview as run

    report = run(photo, protected, output, overwrite=overwrite)
    if as_json:
        print_json(report)
    elif not quiet:
        out = console()
        psnr = "equal" if report.psnr is None else f"PSNR {report.psnr:.1f} dB"
        out.print(f"pixels changed by at most {report.linf}/255, {psnr}, SSIM {report.ssim:.3f}")
        out.print(f"written to {report.output}", soft_wrap=True)
