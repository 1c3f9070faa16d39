"""What the user sees: results on stdout; progress, remarks and errors on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from unlearnable.progress import Progress, Silent

LINE_SECONDS = 5.0


def report_error(message: str, hint: str | None, code: int, *, as_json: bool) -> None:
    """Print one line for the error and one for the remedy on stderr; with `as_json` also an object on stdout."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[bold red]error:[/] {escape(message)}")
    if hint:
        console.print(f"[bold]hint:[/] {escape(hint)}")
    if as_json:
        print_json({"schema_version": 1, "error": message, "hint": hint, "exit_code": code})


def print_json(result: BaseModel | Mapping[str, Any]) -> None:
    """Print one JSON object on stdout and nothing else there."""
    text = result.model_dump_json() if isinstance(result, BaseModel) else json.dumps(result)
    sys.stdout.write(text + "\n")


class _Shown:
    """A `Progress` drawn as one bar a phase."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def phase(self, name: str, total: int) -> None:
        """Finish the bar before and begin another."""
        if self._task is not None:
            self._bars.stop_task(self._task)
        self._task = self._bars.add_task(name, total=total, figures="")

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Move the bar."""
        if self._task is None:
            return
        self._bars.update(self._task, advance=steps)
        if metrics:
            self._bars.update(self._task, figures=_figures(metrics))

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(escape(text))


class _Lines:
    """A `Progress` for pipes and logs: a line a phase, and one every few seconds."""

    def __init__(self) -> None:
        self._name, self._done, self._total = "", 0, 0
        self._begun = self._said = time.monotonic()

    def phase(self, name: str, total: int) -> None:
        """Say what begins."""
        self._name, self._done, self._total = name, 0, total
        self._begun = self._said = time.monotonic()
        self._say(f"{name}: {total}")

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Say how far it is, now and then and at the end."""
        self._done += steps
        now = time.monotonic()
        if now - self._said >= LINE_SECONDS or self._done >= self._total:
            self._said = now
            left = (now - self._begun) / max(self._done, 1) * (self._total - self._done)
            self._say(f"{self._name}: {self._done}/{self._total} {_figures(metrics)} ({left:.0f} s left)")

    def note(self, text: str) -> None:
        """Say it."""
        self._say(text)

    def _say(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


@contextmanager
def shown(*, quiet: bool) -> Iterator[Progress]:
    """A progress display that fits where stderr goes."""
    console = Console(stderr=True)
    if quiet:
        yield Silent()
    elif not console.is_terminal:
        yield _Lines()
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[figures]}"),
        )
        with Bars(*columns, console=console) as bars:
            yield _Shown(bars)


def _figures(metrics: dict[str, float]) -> str:
    """The first figure alone, so that a line fits 80 columns."""
    return " ".join(f"{name} {value:.3g}" for name, value in list(metrics.items())[:1])
