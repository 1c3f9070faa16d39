"""How long a run of several phases still takes: what was expected of each phase, corrected by its speed so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

TRUSTED = 0.25  # share of a phase from which on its speed so far counts alone


class Forecast:
    """The time that is left of a phase and of a run.

    Args:
        clock: gives the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._run = self._phase = clock()
        self._expected: dict[str, float] = {}
        self._over: set[str] = set()
        self._name, self._total = "", 0
        self.done = self._before = 0.0

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take the expected seconds of each phase of the run."""
        self._expected = dict(seconds)

    def phase(self, name: str, total: int) -> None:
        """Begin a phase of `total` steps."""
        self._over.add(self._name)
        self._name, self._total = name, total
        self.done = self._before = 0.0
        self._phase = self._clock()

    def advance(self, steps: int) -> None:
        """Count whole steps; several at once were done by an earlier run."""
        self.done = int(self.done) + steps
        if steps > 1:
            self._before, self._phase = self.done, self._clock()

    def within(self, share: float) -> None:
        """Take how much of the step under way is done, 0 to 1."""
        self.done = int(self.done) + min(max(share, 0.0), 0.999)

    def left_of_phase(self) -> float | None:
        """Return the seconds left of the phase; None where nothing is known of it."""
        to_do, done = self._total - self._before, self.done - self._before
        share = done / to_do if to_do > 0 else 0.0
        expected, elapsed = self._expected.get(self._name), self._clock() - self._phase
        if share == 0:
            return None if expected is None else max(expected - elapsed, 0.0)
        measured = elapsed / share
        trust = 1.0 if expected is None else min(1.0, share / TRUSTED)
        return (1 - share) * (trust * measured + (1 - trust) * (expected or 0.0))

    def left(self) -> float | None:
        """Return the seconds left of the run; None where it was not said what phases there are."""
        left = self.left_of_phase()
        if not self._expected or (left is None and self._name in self._expected):
            return None
        others = self._expected.keys() - self._over - {self._name}
        return (left or 0.0) + sum(self._expected[name] for name in others)

    def share(self) -> float:
        """Return how much of the run is done, 0 to 1, by time."""
        left, elapsed = self.left(), self._clock() - self._run
        return 0.0 if left is None else elapsed / max(elapsed + left, 1e-9)


def duration(seconds: float) -> str:
    """Return a time in words, rounded up, such as "3 min"."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60 + 0.49)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
