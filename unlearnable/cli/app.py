"""The command line: commands and, in `main`, the only place where the program exits."""

from __future__ import annotations

import errno
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand

from unlearnable.cli import benchmark, doctor, explain, lists, options, preview, protect, train, verify, window
from unlearnable.cli.console import report_error, say, warnings_as_lines
from unlearnable.cli.interruption import interruptible
from unlearnable.errors import EXIT_UNEXPECTED, ConfigError, InputError, Interrupted, UnlearnableError
from unlearnable.models.device import given_up
from unlearnable.storage import files
from unlearnable.storage.folders import NO_HOME
from unlearnable.storage.pool import is_first
from unlearnable.wording import pasted, storable

UsageError: Any = typer.BadParameter.__base__  # the error of all wrong usage, which Typer does not export
_HOMELESS = "Could not determine home directory"  # as `pathlib` says it
_NO_WAY = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)  # of a path that nothing can be found at


class Command(TyperCommand):
    """A command whose --help stands among the last options of its own help."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option, in the panel of what one seldom needs."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = options.MORE
        return option


def _paragraphs(function: Callable[..., None]) -> str:
    """A docstring without the line breaks inside its paragraphs, which Typer would print."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


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
    "preview": preview.preview,
    "app": window.app,
    "list": lists.list_kind,
    "doctor": doctor.doctor,
}
for name, function in COMMANDS.items():
    app.command(name, cls=Command, help=_paragraphs(function))(function)


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


class Failure(NamedTuple):
    """What is said of an error, and the exit code."""

    message: str
    hint: str | None
    exit_code: int


def main() -> None:
    """Run the program; every failure ends here with its exit code, one line and a hint.

    Threads that torch computes with wait for each other busily for a moment only, and asleep from then on: where other
    programs need the cores, they take a third of the time so. GNU's OpenMP reads this
    when torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    asked: set[str] = set()  # names of parameters, see `options.asked`
    _prepare_streams()
    _run(asked)


def _prepare_streams() -> None:
    """Replace a stream that the caller has closed, and escape letters that the encoding of stdout lacks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):  # on stderr Python does so by itself
        sys.stdout.reconfigure(errors="backslashreplace")


def _run(asked: set[str]) -> NoReturn:
    try:
        with interruptible(), warnings_as_lines():
            code = app(obj=asked, standalone_mode=False)
            if code == Interrupted.exit_code:  # Ctrl-C, or what stands for it, in a command that does not say it itself
                raise KeyboardInterrupt
            sys.exit(code)
    except (Exception, KeyboardInterrupt) as error:  # the latter before Typer is at work
        early = isinstance(error, UsageError) or (isinstance(error, KeyboardInterrupt) and not asked)
        failure = failure_of(error, _parse_leniently(sys.argv[1:], asked) if early else "")
        if "debug" in asked:
            for line in traceback.format_exc().rstrip("\n").split("\n"):
                say(line)
        first = is_first()
        if failure.message and (first or failure.exit_code != Interrupted.exit_code):  # a launcher stops the others
            report_error(*failure, as_json=first and "as_json" in asked)
        sys.exit(failure.exit_code)


def failure_of(error: Exception | KeyboardInterrupt, command: str = "") -> Failure:
    """Return what to say of an error; nothing where no command was given, since the help was shown.

    Args:
        error: any that a command may raise.
        command: the name of the command that was used wrongly; empty where there is none of that name.
    """
    if isinstance(error, UnlearnableError):
        return Failure(error.message, error.hint, error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", None, Interrupted.exit_code)
    if isinstance(error, UsageError):
        message = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
        hint = " ".join(filter(None, ["see unlearnable", command, "--help"]))
        if not command and len(sys.argv) > 1 and files.exists(Path(sys.argv[1])):
            hint = f"to protect it: unlearnable protect {pasted(sys.argv[1])}"
        return Failure(message[:1].lower() + message[1:], hint, error.exit_code)
    if (full := files.full_disk(error)) is not None:
        return Failure(full.message, full.hint, full.exit_code)
    if (tired := given_up(error)) is not None:
        return Failure(tired.message, tired.hint, tired.exit_code)
    if isinstance(error, OSError) and error.errno in _NO_WAY and error.filename:  # writing has told of it before
        hint = "check the path and the file permissions"
        return Failure(f"cannot access {error.filename}: {error.strerror}", hint, InputError.exit_code)
    if isinstance(error, RuntimeError) and _HOMELESS in str(error):  # of Typer, which installs the completion there
        return Failure(NO_HOME, "set HOME to a folder", ConfigError.exit_code)
    if place := _beyond_locale(error):
        hint = "set PYTHONUTF8=1, or a locale of UTF-8, such as LC_ALL=C.UTF-8"
        return Failure(f"this locale has no letters for the path of libraries, {place}", hint, ConfigError.exit_code)
    said, told = f"{type(error).__name__}: {error}", "with the output of the same command and --debug"
    return Failure(said, f"this is a bug: please report it {told}", EXIT_UNEXPECTED)


def _beyond_locale(error: Exception) -> str:
    """Return the folder of libraries that one of them cannot spell, as torch writes its own path; else nothing."""
    path = error.object if isinstance(error, UnicodeEncodeError) else ""
    return next((place for place in sys.path if path.startswith(place) and storable(place) != place), "")


def _parse_leniently(arguments: Sequence[str], asked: set[str]) -> str:
    """Find --json and --debug in arguments that Typer stopped at, or was stopped in: it parses them again, past that.

    Returns:
        The name of the command; empty where there is none of that name.
    """
    place = next((place for place, argument in enumerate(arguments) if not argument.startswith("-")), len(arguments))
    name = arguments[place] if place < len(arguments) else ""
    command = typer.main.get_group(app).commands.get(name)
    if "--json" in (arguments[:place] if command else arguments):  # there it is no option's value
        asked.add("as_json")
    if command is None:
        return ""
    past_faults: Any = {"resilient_parsing": True, "ignore_unknown_options": True, "allow_extra_args": True}
    command.make_context(name, list(arguments[place + 1 :]), obj=asked, **past_faults)
    return name
