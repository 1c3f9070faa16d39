"""`unlearnable app`."""

from pathlib import Path
from typing import Annotated

import typer

from unlearnable.cli import options
from unlearnable.cli.console import console, print_json


def app(
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder that the window proposes for the copies. (default: posts-protected in the current folder)",
            rich_help_panel=options.OUTPUT,
            parser=options.place,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(help="Port to listen on; 0 for any that is free.", min=0, max=65535, rich_help_panel=options.MORE),
    ] = 0,
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser", metavar="", help="Open the address in a browser.", rich_help_panel=options.MORE
        ),
    ] = True,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Protect photos and captions in a window of your browser.

    Drop photos or a zipped export there, type captions, look at photos and words before anything
    is written, and copy the captions as you post. The address opens on this computer alone and
    holds a secret. Ctrl-C ends it and removes what was dropped; the copies stay.

    Needs pip install 'unlearnable\\[app]'.
    """
    from unlearnable.app.server import serve

    serve({"device": device, "output": output}, port, show=browser, say=_say_as_json if as_json else _say)


def _say(address: str) -> None:
    console().print(f"open {address}", soft_wrap=True)
    console().print("keep the address to yourself; Ctrl-C ends")


def _say_as_json(address: str) -> None:
    print_json({"schema_version": 1, "address": address})
