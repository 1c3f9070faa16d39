"""`unlearnable verify`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnable.cli import options
from unlearnable.cli.console import say
from unlearnable.cli.options import HOW, MORE, OUTPUT
from unlearnable.cli.runner import run_command
from unlearnable.errors import EXIT_MISSED
from unlearnable.settings import SuiteName, VerifySettings, given_settings
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress
from unlearnable.verify.attackers import ATTACKERS

if TYPE_CHECKING:
    from unlearnable.report import VerifyReport


WHAT = "What to verify"
CROWD = "Among whom"

_option = options.of(VerifySettings)


def verify(
    context: typer.Context,
    originals: Annotated[Path | None, options.argument(VerifySettings, "originals")] = None,
    protected: Annotated[Path | None, options.argument(VerifySettings, "protected")] = None,
    captions: Annotated[Path | None, _option("captions", WHAT)] = None,
    test: Annotated[Path | None, _option("test", WHAT)] = None,
    test_fraction: Annotated[float | None, _option("test_fraction", WHAT)] = None,
    background: Annotated[Path | None, _option("background", WHAT)] = None,
    crowd: Annotated[Path | None, _option("crowd", CROWD)] = None,
    crowd_test: Annotated[Path | None, _option("crowd_test", CROWD)] = None,
    leaked: Annotated[float | None, _option("leaked", CROWD)] = None,
    victims: Annotated[list[str] | None, _option("victims", HOW)] = None,
    seeds: Annotated[list[str] | None, _option("seeds", HOW)] = None,
    suite: Annotated[SuiteName | None, _option("suite", HOW)] = None,
    through: Annotated[list[str] | None, _option("through", HOW)] = None,
    attackers: Annotated[list[str] | None, _option("attackers", HOW, "--attacker", choices=ATTACKERS)] = None,
    ablations: Annotated[bool | None, _option("ablations", HOW, "--ablations")] = None,
    from_scratch: Annotated[bool | None, _option("from_scratch", HOW, "--from-scratch")] = None,
    epochs: Annotated[int | None, _option("epochs", HOW)] = None,
    lr: Annotated[float | None, _option("lr", HOW)] = None,
    require: Annotated[list[str] | None, _option("require", OUTPUT)] = None,
    output: Annotated[Path | None, _option("output", OUTPUT)] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Train again what was trained in an earlier run.", rich_help_panel=OUTPUT),
    ] = False,
    seed: Annotated[int | None, _option("seed", MORE)] = None,
    device: options.Device = None,
    config_file: options.ConfigFile = None,
    print_config: options.PrintConfig = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train victims on the originals and on the protected copies, and compare what they learnt.

    Both are ranked on clean photos that no victim was trained on. Without arguments the last
    protect run is verified. A stopped run continues when the same command is given again.
    """

    def work(settings: VerifySettings, progress: Progress) -> VerifyReport | None:
        from unlearnable.verify.run import verify as run

        if not is_first():
            return None  # the first process does it alone
        return run(settings, overwrite=overwrite, progress=progress)

    folders = {"originals": originals, "protected": protected, "captions": captions}
    given, _ = given_settings(VerifySettings, folders, config_file)
    pair = _captions(given) if "protected" in given else _pair(given)
    hint = "the same command continues after the last finished training"
    report = run_command(context, VerifySettings, work, _show, hint=hint, found=pair)
    if report is not None and report.missed:
        for line in report.missed:
            say(f"missed {line}")
        raise typer.Exit(EXIT_MISSED)


def _pair(given: Mapping[str, Any]) -> dict[str, Path | None]:
    """The folders to compare, where arguments, environment and file do not name both."""
    from unlearnable.protect.records import pair_to_verify

    originals, captions = (Path(str(given[name])) if given.get(name) else None for name in ("originals", "captions"))
    pair = pair_to_verify(originals)
    say(f"verifying {pair.protected} against {pair.originals} ({pair.reason})")
    return {"originals": pair.originals, "protected": pair.protected, "captions": captions or pair.captions}


def _captions(given: Mapping[str, Any]) -> dict[str, Path]:
    """The caption file that `protect` read, where both folders are named and it is not."""
    from unlearnable.protect.records import captions_of_last

    if given.get("captions") or not given.get("originals"):
        return {}
    captions = captions_of_last(Path(str(given["originals"])), Path(str(given["protected"])))
    if captions is not None:
        say(f"the captions are those of the last protect run, {captions}")
    return {} if captions is None else {"captions": captions}


def _show(report: VerifyReport) -> None:
    from unlearnable.cli.verified import show

    show(report)
