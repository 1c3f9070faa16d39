"""Progress of a long run: what reports it, and one line of text a step."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

LINE_SECONDS = 5.0


@runtime_checkable
class Progress(Protocol):
    """Receives progress reports; the command line shows them as bars or lines."""

    def phase(self, name: str, total: int) -> None:
        """Begin a phase of `total` steps, which ends the phase before it."""

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count `steps` more steps of the phase; `metrics` are the latest figures to show beside them."""

    def note(self, text: str) -> None:
        """Show a remark that the user can act on."""


class Silent:
    """A `Progress` that shows nothing; the default of the Python calls."""

    def phase(self, name: str, total: int) -> None:
        """Ignore the phase."""

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Ignore the steps."""

    def note(self, text: str) -> None:
        """Ignore the remark."""


class Lines:
    """A `Progress` that writes a line now and then: every `LINE_SECONDS`, and at the end of a phase."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._name, self._total, self._done = "", 0, 0
        self._last = time.monotonic()

    def phase(self, name: str, total: int) -> None:
        """Write what begins."""
        self._name, self._total, self._done, self._last = name, total, 0, time.monotonic()
        self._say(f"{name}: {total}" if total else name)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Write how far it is."""
        self._done += steps
        now = time.monotonic()
        if now - self._last >= LINE_SECONDS or self._done >= self._total:
            self._last = now
            self._say(f"{self._name}: {self._done}/{self._total} {figures(metrics)}".rstrip())

    def note(self, text: str) -> None:
        """Write it."""
        self._say(text)

    def _say(self, text: str) -> None:
        self._write(text)


def figures(metrics: Mapping[str, float]) -> str:
    """Return the first figure alone, so that a line fits 80 columns."""
    return " ".join(f"{name} {value:.3g}" for name, value in list(metrics.items())[:1])
