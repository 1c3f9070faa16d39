"""The command line: commands and, in `main`, the only place where the program exits."""

from __future__ import annotations

import sys

import typer

from unlearnable.cli import benchmark, doctor, explain, lists, preview, protect, train, verify
from unlearnable.cli.console import report_error
from unlearnable.errors import EXIT_UNEXPECTED, UnlearnableError

app = typer.Typer(
    name="unlearnable",
    help="Make photos and captions unlearnable for CLIP-like models before you post them.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("protect")(protect.protect)
app.command("train")(train.train)
app.command("verify")(verify.verify)
app.command("benchmark")(benchmark.benchmark)
app.command("explain")(explain.explain)
app.command("preview")(preview.preview)
for name, function in lists.COMMANDS.items():
    app.command(name)(function)
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"unlearnable {version('unlearnable')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    pass


def main() -> None:
    """Run the program; every failure ends here with its exit code, one line and a hint."""
    debug = "--debug" in sys.argv
    try:
        app()
    except UnlearnableError as error:
        if debug:
            raise
        report_error(error.message, error.hint, error.exit_code, sys.argv)
        sys.exit(error.exit_code)
    except Exception as error:
        if debug:
            raise
        hint = "this is a bug: please report it with the output of the same command and --debug"
        report_error(f"{type(error).__name__}: {error}", hint, EXIT_UNEXPECTED, sys.argv)
        sys.exit(EXIT_UNEXPECTED)
