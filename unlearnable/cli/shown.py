"""Progress on stderr: bars on a terminal, lines in a pipe, and how long the run takes where its phases are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from unlearnable.cli.console import console, say
from unlearnable.progress.forecast import Forecast, duration
from unlearnable.progress.lines import WHOLE, Lines, figures
from unlearnable.progress.logfile import Both
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.wording.escapes import printable


class _Shown:
    """A `Progress` drawn as one bar a phase, and a last one for the run."""

    def __init__(self, bars: Bars) -> None:
        self._bars, self._forecast = bars, Forecast()
        self._task: TaskID | None = None
        self._whole: TaskID | None = None
        self._total = 0

    def phase(self, name: str, total: int) -> None:
        """Finish the bar before and begin another; without steps it only shows that something is done."""
        self._forecast.phase(name, total)
        if self._task is not None:
            if not self._total:
                self._bars.update(self._task, total=1, completed=1)
            self._bars.stop_task(self._task)
        if self._whole is not None:  # the last one stays the last
            self._bars.remove_task(self._whole)
            self._whole = None
        self._total = total
        self._task = self._bars.add_task(
            printable(name), total=total or None, figures="", count=f"0/{total}" if total else ""
        )
        self._draw()

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Move the bar."""
        self._forecast.advance(steps)
        self._draw(**metrics)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take what the phases of the run will take."""
        self._forecast.expect(seconds)
        self._draw()

    def within(self, share: float) -> None:
        """Move the bar by a part of a step."""
        self._forecast.within(share)
        self._draw()

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text)

    def _draw(self, **metrics: float) -> None:
        done, left = self._forecast.done, self._forecast.left()
        if self._task is not None and self._total:
            self._bars.update(self._task, completed=done, count=f"{int(done)}/{self._total}")
        if self._task is not None and metrics:
            self._bars.update(self._task, figures=figures(metrics))
        if left is None:
            return
        if self._whole is None:
            self._whole = self._bars.add_task(WHOLE, total=1.0, figures="", count="")
        self._bars.update(self._whole, completed=self._forecast.share(), figures=f"about {duration(left)} left")


@contextmanager
def shown(*, quiet: bool, logged: bool = False) -> Iterator[Progress]:
    """A progress display that fits where stderr goes; what is not said in lines there is recorded if it is `logged`."""
    errors = console(stderr=True)
    if quiet:
        yield Both(Silent()) if logged else Silent()
    elif not errors.is_terminal:
        yield Lines(say)
    else:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=18),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}", style="dim"),
        )
        with Bars(*columns, console=errors) as bars:
            yield Both(_Shown(bars)) if logged else _Shown(bars)
