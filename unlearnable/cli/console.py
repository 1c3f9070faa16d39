"""What a command prints and when it stops: progress, results and errors, and no foreign text as it is.

File names, captions and what other programs wrote may hold anything. All that is printed passes `_shown` here.
"""

import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress as Bars, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from unlearnable.cli.options import option_of
from unlearnable.errors import Interrupted, UnlearnableError, worded
from unlearnable.settings import Settings, resolve_as, split, takes, unknown_variables
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Lines, Progress, Silent, figures
from unlearnable.wording import ascii_json, grouped, printable

if TYPE_CHECKING:
    from unlearnable.report import SkippedRecord

AGAIN = 0.1  # seconds until an interruption that cannot come now is tried again
BAR = 14  # columns, beside which the longest phase fits 80
Kind = TypeVar("Kind", bound=Settings)
Result = TypeVar("Result", bound=BaseModel | None)


def run_command(
    context: typer.Context,
    kind: type[Kind],
    work: Callable[[Kind, Progress], Result],
    show: Callable[[Any], None],
    *,
    hint: str,
    resolve: Callable[[Mapping[str, Any], Path | None], Kind] | None = None,
) -> Result | None:
    """Run a long command with the options that its context holds: settings, progress, then JSON or a table.

    Args:
        context: its parameters that are named as settings are the flags.
        kind: the settings of the command.
        work: imports torch inside, so that --help answers at once.
        show: prints the result for people.
        hint: what to do after Ctrl-C.
        resolve: makes the settings of flags and a file, where `resolve_as` does not.
    """
    given = context.params
    settings = (resolve or partial(resolve_as, kind))(_flags(given, kind), given["config_file"])
    if given["quiet"]:
        warnings.simplefilter("ignore")
    elif is_first():
        for name, proposal in unknown_variables().items():
            say(f"warning: unknown environment variable {name}: {proposal}")
    try:
        with progress_shown(quiet=given["quiet"]) as progress:
            result = work(settings, progress)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=hint) from None
    if result is not None and given["as_json"]:
        print_json(result)
    elif result is not None and not given["quiet"]:
        show(result)
    return result


def _flags(given: Mapping[str, Any], kind: type[Settings]) -> dict[str, Any]:
    """Return the settings that options and arguments gave; those that were not given are None."""
    flags = {name: value for name, value in given.items() if name in kind.model_fields}
    for name, value in flags.items():
        if takes(kind, name, tuple):
            flags[name] = split(kind, name, list(map(str, value)), f"`{name}`") if value else None
    return flags


class _Console(Console):
    """A console that shows texts, also those in tables, in one line and without markup; settings as options.

    Only a `Text` has styles and lines of its own.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text as it is drawn."""
        return super().render_str(_shown(text), **options)

    def on_broken_pipe(self) -> None:
        """Go on without a reader."""
        _discard(self.file)


def console(*, stderr: bool = False) -> Console:
    """Return the console of stdout or stderr."""
    return _Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def _shown(text: str) -> str:
    return printable(worded(text, option_of))


def say(text: str) -> None:
    """Print a line on stderr."""
    _write(sys.stderr, _shown(text))


def print_json(result: BaseModel | Mapping[str, Any]) -> None:
    """Print one JSON object on stdout and nothing else there."""
    text = result.model_dump_json() if isinstance(result, BaseModel) else json.dumps(result)
    _write(sys.stdout, ascii_json(text))


def _write(stream: TextIO, text: str) -> None:
    """Write a line at once; where its reader is gone, as `head -1` is after the first line, it is lost."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        _discard(stream)


def _discard(stream: Any) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def report_error(error: UnlearnableError, *, as_json: bool) -> None:
    """Print one line for the error and one for the remedy on stderr; with `as_json` also an object on stdout."""
    message, hint = worded(error.message, option_of), worded(error.hint or "", option_of) or None
    errors = console(stderr=True)
    errors.print(Text.assemble(("error: ", "bold red"), printable(message)), soft_wrap=True)
    if hint:
        errors.print(Text.assemble(("hint: ", "bold"), printable(hint)), soft_wrap=True)
    if as_json:
        with suppress(OSError):  # there may be no room for it either
            stopped = {"stopped": "interrupted"} if isinstance(error, Interrupted) else {}
            code = error.exit_code
            print_json({"schema_version": 1, "error": message, "hint": hint, "exit_code": code, **stopped})


def show_table(
    out: Console,
    heads: Sequence[str],
    rows: Iterable[Sequence[RenderableType]],
    *,
    justify: Literal["left", "right"] = "right",
    whole: bool = False,
) -> None:
    """Print a table whose heads have a word a line, its columns but the first justified, and if `whole` not folded."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        own: dict[str, Any] = {"justify": justify, "no_wrap": whole} if number else {}
        table.add_column(Text("\n".join(map(printable, head.split(" ")))), overflow="fold", **own)
    for row in rows:
        table.add_row(*row)
    out.print(table)


def print_rows(rows: Mapping[str, str]) -> None:
    """Print names and their descriptions, a whole line each."""
    width = max(map(len, rows))
    for name, text in rows.items():
        console().print(f"{name:<{width}}  {text}", soft_wrap=True)


def show_skipped(out: Console, skipped: "Sequence[SkippedRecord]", listed: str) -> None:
    """Print one line on the photos and caption rows that were left out, and where the list is."""
    if len(skipped) == 1:
        out.print(f"not used: {skipped[0].where} ({skipped[0].detail})", soft_wrap=True)
    elif skipped:
        reasons = grouped((one.reason, one) for one in skipped)
        counts = ", ".join(f"{len(several)} {reason}" for reason, several in reasons.items())
        out.print(f"not used: {len(skipped)} ({counts}); {listed}", soft_wrap=True)


def show_notes(out: Console, notes: Sequence[str]) -> None:
    """Print remarks, a line each."""
    for note in notes:
        out.print(f"note: {note}")


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Progress]:
    """Show progress as it fits stderr: bars on a terminal, lines in a pipe."""
    errors = console(stderr=True)
    if quiet:
        yield Silent()
    elif not errors.is_terminal:
        yield Lines(say)
    else:
        columns = (
            TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold")),
            BarColumn(bar_width=BAR),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[figures]}", style="dim"),
        )
        with Bars(*columns, console=errors, speed_estimate_period=600) as bars:
            yield _Bars(bars)


class _Bars:
    """A `Progress` drawn as one bar a phase."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._done = self._total = 0

    def phase(self, name: str, total: int) -> None:
        """Finish the bar before and begin another; without steps it only shows that something is done."""
        if self._task is not None:
            if not self._total:
                self._bars.update(self._task, total=1, completed=1)
            self._bars.stop_task(self._task)
        self._done, self._total = 0, total
        count = f"0/{total}" if total else ""
        self._task = self._bars.add_task(printable(name), total=total or None, figures="", count=count)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Move the bar."""
        self._done += steps
        if self._task is not None and self._total:
            self._bars.update(self._task, completed=self._done, count=f"{self._done}/{self._total}")
        if self._task is not None and metrics:
            self._bars.update(self._task, figures=figures(metrics))

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show warnings in one line each."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for Ctrl-C, so that nothing is left behind; one that nohup ignores stays ignored.

    None of them comes while something is imported: large libraries swallow it there, fail in ways of their own, or
    take the process down.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _is_importing(frame):
            raise KeyboardInterrupt
        later.append(threading.Timer(AGAIN, _send, [number]))
        later[-1].start()

    taken, later = {}, list[threading.Timer]()
    if threading.current_thread() is threading.main_thread():
        for one in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(one) in (signal.SIG_DFL, signal.default_int_handler):
                taken[one] = signal.signal(one, interrupt)
    try:
        yield
    finally:
        for timer in later:
            timer.cancel()
        for one, before in taken.items():
            signal.signal(one, before)


def _send(number: int) -> None:
    """Send a signal to the main thread, which wakes it from waiting; Windows knows no thread by its signals."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
