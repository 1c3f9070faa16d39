"""Progress in lines: one a phase, and one every few seconds, for pipes and log files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from unlearnable.progress.forecast import Forecast, duration

LINE_SECONDS = 5.0
WHOLE = "all of it"


class Lines:
    """A `Progress` in lines.

    Args:
        write: receives each line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._name, self._total, self._forecast = "", 0, Forecast()
        self._said = time.monotonic()

    def phase(self, name: str, total: int) -> None:
        """Say what begins."""
        self._name, self._total, self._said = name, total, time.monotonic()
        self._forecast.phase(name, total)
        self._say(f"{name}: {total}" if total else name)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Say how far it is, now and then and at the end."""
        self._forecast.advance(steps)
        self._tell(**metrics)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take what the phases of the run will take."""
        self._forecast.expect(seconds)

    def within(self, share: float) -> None:
        """Say how far it is, now and then."""
        self._forecast.within(share)
        self._tell()

    def note(self, text: str) -> None:
        """Say it."""
        self._say(text)

    def _tell(self, **metrics: float) -> None:
        now, done = time.monotonic(), self._forecast.done
        if now - self._said < LINE_SECONDS and done < self._total:
            return
        self._said = now
        left, all_left = self._forecast.left_of_phase(), self._forecast.left()
        times = [] if left is None else [f"{left:.0f} s left"]
        times += [] if all_left is None else [f"{WHOLE}: about {duration(all_left)}"]
        place, known = f"{self._name}: {int(done)}/{self._total}", f"({', '.join(times)})" if times else ""
        self._say(" ".join(part for part in (place, figures(metrics), known) if part))

    def _say(self, text: str) -> None:
        self._write(text)


def figures(metrics: Mapping[str, float]) -> str:
    """Return the first figure alone, so that a line fits 80 columns."""
    return " ".join(f"{name} {value:.3g}" for name, value in list(metrics.items())[:1])
