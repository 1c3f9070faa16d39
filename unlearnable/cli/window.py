"""`unlearnable app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnable.cli import options
from unlearnable.cli.console import console, print_json
from unlearnable.cli.runner import print_settings
from unlearnable.settings import ProtectSettings, resolve_as

DROPPED = Path("posts")  # stands for the photos to come

_option = options.of(ProtectSettings)


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
        typer.Option(
            help="Port to listen on; 0 for any that is free.",
            metavar="INTEGER",
            rich_help_panel=options.MORE,
            parser=options.whole(0, 65535),
        ),
    ] = 0,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the address in a browser.", rich_help_panel=options.MORE),
    ] = True,
    seed: Annotated[int | None, _option("seed", options.MORE)] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Protect photos and captions in a window of your browser.

    Drop photos or a zipped export there, type captions, look at photos and words before anything
    is written, and copy the captions as you post. The address opens on this computer alone and
    holds a secret. Ctrl-C ends it and removes what was dropped; the copies stay.

    Needs pip install 'unlearnable\\[app]'.
    """
    given = {"seed": seed, "device": device, "output": output}
    if print_config:
        settings = resolve_as(ProtectSettings, {"photos": (DROPPED,), **given}, config_file)
        print_settings(settings.model_copy(update={"photos": ()}), as_json=as_json)
        return
    from unlearnable.app.server import serve

    serve(config_file, port, show=browser, say=_say_as_json if as_json else _say, given=given)


def _say(address: str) -> None:
    console().print(f"open {address}", soft_wrap=True)
    console().print("keep the address to yourself; Ctrl-C ends")


def _say_as_json(address: str) -> None:
    print_json({"schema_version": 1, "address": address})
