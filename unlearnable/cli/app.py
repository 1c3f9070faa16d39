"""The command line: commands and, in `main`, the only place where the program exits."""

import errno
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from unlearnable.cli import benchmark, doctor, explain, options, protect, train, verify, window
from unlearnable.cli.console import interruptible, report_error, say, warnings_as_lines
from unlearnable.errors import ConfigError, InputError, Interrupted, UnlearnableError
from unlearnable.models.device import given_up
from unlearnable.settings import DEBUG
from unlearnable.storage import files
from unlearnable.storage.pool import is_first
from unlearnable.wording import pasted

UsageError: Any = typer.BadParameter.__base__  # the error of all wrong usage, which Typer does not export
_NO_WAY = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)  # of a path that nothing can be found at


class Command(TyperCommand):
    """A command whose --help stands among the last options of its own help."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option, in the panel of what one seldom needs."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = options.MORE
        return option


app = typer.Typer(
    name="unlearnable",
    help="Make photos and captions unlearnable for CLIP-like models before you post them.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "protect": protect.protect,
    "train": train.train,
    "verify": verify.verify,
    "benchmark": benchmark.benchmark,
    "explain": explain.explain,
    "preview": explain.preview,
    "app": window.app,
    "list": doctor.list_kind,
    "doctor": doctor.doctor,
}
for name, function in COMMANDS.items():
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")  # Typer would keep the line breaks in them
    help_text = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
    app.command(name, cls=Command, help=help_text)(function)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"unlearnable {version('unlearnable')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True),
) -> None:
    pass


def main() -> None:
    """Run the program; every failure ends here with its exit code, one line and a hint.

    Threads that torch computes with wait for each other busily for a moment only, and asleep from then on: where other
    programs need the cores, they take a third of the time so. GNU's OpenMP reads this when torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    _prepare_streams()
    try:
        with interruptible(), warnings_as_lines():
            code = app(standalone_mode=False)
            if code == Interrupted.exit_code:  # Ctrl-C in a command that does not say it itself
                raise KeyboardInterrupt
            sys.exit(code)
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
        if os.environ.get(DEBUG):
            for line in traceback.format_exc().rstrip("\n").split("\n"):
                say(line)
        first = is_first()
        if failure.message and (first or not isinstance(failure, Interrupted)):  # a launcher stops the others
            report_error(failure, as_json=first and "--json" in sys.argv[1:])
        sys.exit(failure.exit_code)


def _prepare_streams() -> None:
    """Replace a stream that the caller has closed, and escape letters that the encoding of stdout lacks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):  # on stderr Python does so by itself
        sys.stdout.reconfigure(errors="backslashreplace")


def failure_of(error: BaseException) -> UnlearnableError:
    """Return any error as one for the user; without a message where no command was given, since the help was shown."""
    if isinstance(error, UnlearnableError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("interrupted")
    if isinstance(error, UsageError):
        return _wrong_usage(error)
    if known := files.full_disk(error) or given_up(error):
        return known
    if isinstance(error, OSError) and error.errno in _NO_WAY and error.filename:  # writing has told of it before
        hint = "check the path and the file permissions"
        return InputError(f"cannot access {error.filename}: {error.strerror}", hint=hint)
    hint = f"this is a bug: please report it with the output of the same command and {DEBUG}=1 in the environment"
    return UnlearnableError(f"{type(error).__name__}: {error}", hint=hint)


def _wrong_usage(error: Any) -> ConfigError:
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.info_name if error.ctx and error.ctx.parent else ""
    hint = " ".join(filter(None, ["see unlearnable", command, "--help"]))
    if not command and len(sys.argv) > 1 and files.exists(Path(sys.argv[1])):
        hint = f"to protect it: unlearnable protect {pasted(sys.argv[1])}"
    return ConfigError(message[:1].lower() + message[1:], hint=hint)
