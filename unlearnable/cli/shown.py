"""Progress on stderr: bars on a terminal, lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Column

from unlearnable.cli.console import console, say
from unlearnable.storage.progress import Lines, Progress, Silent, figures
from unlearnable.wording import printable

BAR = 14  # columns, beside which the longest phase fits 80


class _Shown:
    """A `Progress` drawn as one bar a phase."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._done = self._total = 0

    def phase(self, name: str, total: int) -> None:
        """Finish the bar before and begin another; without steps it only shows that something is done."""
        if self._task is not None and not self._total:
            self._bars.update(self._task, total=1, completed=1)
        if self._task is not None:
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
def shown(*, quiet: bool) -> Iterator[Progress]:
    """A progress display that fits where stderr goes."""
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
            yield _Shown(bars)
