"""`unlearnable preview`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnable.cli import options
from unlearnable.cli.console import console, print_json, show_notes


def preview(
    photo: Annotated[Path, typer.Argument(help="Original photo.", parser=options.place)],
    protected: Annotated[Path, typer.Argument(help="Protected copy of the photo.", parser=options.place)],
    output: Annotated[
        Path | None,
        typer.Option(
            help="PNG to write. (default: STEM-preview.png in the current folder, or above the photos if it is theirs)",
            rich_help_panel=options.OUTPUT,
            parser=options.place,
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write one picture with a photo, its protected copy and the noise ten times stronger.

    The picture shows the original: do not publish it.
    """
    from unlearnable.explain.run import preview as run

    report = run(photo, protected, output, overwrite=overwrite)
    if as_json:
        print_json(report)
        return
    psnr = "equal" if report.psnr is None else f"PSNR {report.psnr:.1f} dB"
    out = console()
    seen = f"FLIP {report.flip:.3f}, dE {report.delta_e:.2f}"
    out.print(f"pixels changed by at most {report.linf}/255, {psnr}, SSIM {report.ssim:.3f}; {seen}")
    show_notes(out, report.notes)
    out.print(f"written to {report.output}", soft_wrap=True)
