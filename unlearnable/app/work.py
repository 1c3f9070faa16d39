"""How far the work is, its end where the user wants it, and what is said of its errors."""

from __future__ import annotations

import ctypes
import threading
import traceback

from unlearnable.errors import Interrupted, ModelError, OutputError, UnlearnableError, worded
from unlearnable.models.device import given_up
from unlearnable.storage import files

FIELDS = {
    "output": "folder",
    "preset": "amount of work",
    "epsilon": "noise",
    "platform": "place to post",
    "name": "name to write as initials",
}  # of the page, by the name of the setting
INSTEAD = {OutputError: "choose another folder", ModelError: "close other programs, or choose another amount of work"}


class Watch:
    """A `Progress` that keeps what is shown, and stops the work that reports to it; made in the thread of that work."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self.doing, self.notes = "starting", list[str]()
        self._done, self._total, self.stopped = 0, 0, False

    def stop(self) -> None:
        """End the work at its next report."""
        self.stopped, self.doing = True, "stopping"

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
        if self.stopped:
            raise Interrupted("stopped")


def said(error: Exception) -> str:
    """Return what to say of an error; of one that nobody foresaw the terminal gets the traceback."""
    full = files.full_disk(error)
    told = error if isinstance(error, UnlearnableError) else full or given_up(error)
    if told is None:
        traceback.print_exc()
        shown = f"{type(error).__name__}: {error}"
        return f"This is a bug: {shown}"
    if full is not None:
        return f"{told.message}. free some space on it, and try again"
    try:
        hint = worded(told.hint or "", _field)
    except KeyError:  # the remedy is an option that the window does not have
        hint = next((hint for kind, hint in INSTEAD.items() if isinstance(told, kind)), "")
    return f"{worded(told.message, lambda name, _: FIELDS.get(name, name))}. {hint}".strip()


def _field(name: str, value: str | None) -> str:
    return FIELDS[name] if value is None else f"{FIELDS[name]}: {value}"
