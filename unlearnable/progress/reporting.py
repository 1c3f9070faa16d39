"""Progress-reporting interface: a long computation reports its phases, its steps and its remarks."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


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
