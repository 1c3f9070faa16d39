"""What the user sees: results on stdout, errors and remarks on stderr, and no foreign text there as it is.

File names, captions and what other programs wrote may hold anything. All that is printed passes `printable` here.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearnable.cli.options import option_of
from unlearnable.errors import Interrupted, worded
from unlearnable.wording import ascii_json, grouped, printable

if TYPE_CHECKING:
    from unlearnable.report import SkippedRecord


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


def _shown(text: str) -> str:
    return printable(worded(text, option_of))


def console(*, stderr: bool = False) -> Console:
    """Return the console of stdout or stderr."""
    return _Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def stacked(*lines: str) -> Text:
    """Return a cell of a table that has several lines."""
    return Text("\n".join(map(printable, lines)))


def say(text: str) -> None:
    """Print a line on stderr."""
    _write(sys.stderr, _shown(text))


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show warnings in one line each.

    Older versions of `requests`, which some libraries import where it is installed, warn of chardet; nothing here asks
    them for anything.
    """

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        warnings.filterwarnings("ignore", message=r"urllib3 .* doesn't match a supported version")
        yield


def report_error(message: str, hint: str | None, code: int, *, as_json: bool) -> None:
    """Print one line for the error and one for the remedy on stderr; with `as_json` also an object on stdout."""
    message, hint = worded(message, option_of), worded(hint, option_of) if hint else None
    errors = console(stderr=True)
    errors.print(Text.assemble(("error: ", "bold red"), printable(message)), soft_wrap=True)
    if hint:
        errors.print(Text.assemble(("hint: ", "bold"), printable(hint)), soft_wrap=True)
    if as_json:
        with suppress(OSError):  # there may be no room for it either
            stopped = {"stopped": "interrupted"} if code == Interrupted.exit_code else {}
            print_json({"schema_version": 1, "error": message, "hint": hint, "exit_code": code, **stopped})


def print_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and what is said of them: folded on a terminal, a whole line each in a pipe; nothing is cut."""
    output = console()
    if not output.is_terminal:
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            output.print(f"{name:<{width}}  {text}".rstrip(), soft_wrap=True)
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold", min_width=12)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, text)
    output.print(table)


def show_skipped(out: Console, skipped: Sequence[SkippedRecord], listed: str) -> None:
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
