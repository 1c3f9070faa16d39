"""How far the work is, for the page to show; and the end of the work where the user wants it."""

from __future__ import annotations

import ctypes
import threading

from unlearnable.errors import Interrupted


class Watch:
    """A `Progress` that keeps what is shown, and stops the work that reports to it; made in the thread of that work."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self.doing, self.notes = "starting", list[str]()
        self._done, self._total, self._stopped = 0, 0, False

    def stop(self) -> None:
        """End the work at its next report."""
        self._stopped, self.doing = True, "stopping"

    def break_off(self) -> None:
        """End the work where it is, as Ctrl-C ends that of a command: a batch may take minutes."""
        self.stop()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(KeyboardInterrupt))

    @property
    def share(self) -> float:
        """How much of the phase is done, 0 to 1."""
        return self._done / self._total if self._total else 0.0

    def phase(self, name: str, total: int) -> None:
        """Begin a phase."""
        self._check()
        self.doing, self._done, self._total = name, 0, total

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count steps; the figures are for the report."""
        self._check()
        self._done += steps

    def note(self, text: str) -> None:
        """Keep a remark."""
        self.notes.append(text)

    def _check(self) -> None:
        if self._stopped:
            raise Interrupted("stopped")
