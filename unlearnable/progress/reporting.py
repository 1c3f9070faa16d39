"""Progress-reporting interface: a long computation reports its phases, its steps and its remarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Receives progress reports; the command line shows them as bars, lines or JSON."""

    def phase(self, name: str, total: int) -> None:
        """Begin a phase of `total` steps, which ends the phase before it."""

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count `steps` more steps of the phase; `metrics` are the latest figures to show beside them."""

    def note(self, text: str) -> None:
        """Show a remark to the user."""


@runtime_checkable
class Forecasting(Progress, Protocol):
    """A `Progress` that also shows how the run as a whole gets on."""

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take how long each phase of the run is expected to take; a later call replaces an earlier one."""

    def within(self, share: float) -> None:
        """Show how much of the step under way is done, 0 to 1."""


def expect(progress: Progress, seconds: Mapping[str, float]) -> None:
    """Tell how long each phase of the run is expected to take, where somebody shows it."""
    if isinstance(progress, Forecasting):
        progress.expect(seconds)


def within(progress: Progress, share: float) -> None:
    """Tell how much of the step under way is done, 0 to 1, where somebody shows it."""
    if isinstance(progress, Forecasting):
        progress.within(share)


class Silent:
    """A `Progress` that shows nothing; the default of the Python calls."""

    def phase(self, name: str, total: int) -> None:
        """Ignore the phase."""

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Ignore the steps."""

    def note(self, text: str) -> None:
        """Ignore the remark."""
