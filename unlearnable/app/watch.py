"""How far the work is, for the page to show; and the end of the work where the user wants it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping

from unlearnable.errors import Interrupted
from unlearnable.progress.forecast import Forecast, duration


class Watch:
    """A `Progress` that keeps what is shown, and stops the work that reports to it; made in the thread of that work."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self.doing, self.notes = "starting", list[str]()
        self._forecast, self._total, self._stopped = Forecast(), 0, False

    def stop(self) -> None:
        """End the work at its next report."""
        self._stopped, self.doing = True, "stopping"

    def break_off(self) -> None:
        """End the work where it is, as Ctrl-C ends that of a command: a batch may take minutes."""
        self.stop()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(KeyboardInterrupt))

    @property
    def share(self) -> float:
        """How much is done, 0 to 1: of the whole run where its phases are known, else of this phase."""
        if self._forecast.left() is not None:
            return self._forecast.share()
        return self._forecast.done / self._total if self._total else 0.0

    @property
    def left(self) -> str:
        """The time left in words; empty where nothing is known of it."""
        seconds = self._forecast.left()
        return "" if seconds is None else f"about {duration(seconds)} left"

    def phase(self, name: str, total: int) -> None:
        """Begin a phase."""
        self._check()
        self.doing, self._total = name, total
        self._forecast.phase(name, total)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count steps; the figures are for the report."""
        self._check()
        self._forecast.advance(steps)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take what the phases of the run will take."""
        self._forecast.expect(seconds)

    def within(self, share: float) -> None:
        """Take how much of a step is done."""
        self._check()
        self._forecast.within(share)

    def note(self, text: str) -> None:
        """Keep a remark."""
        self.notes.append(text)

    def _check(self) -> None:
        if self._stopped:
            raise Interrupted("stopped")
