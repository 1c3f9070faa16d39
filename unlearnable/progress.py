"""What a long computation tells the outside: phases, steps done, and remarks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives what happens; drawn as bars, lines or JSON by the command line."""

    def phase(self, name: str, total: int) -> None:
        """A new phase of `total` steps begins; the one before it is over."""

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """`steps` more are done; `metrics` are the newest figures to show beside them."""

    def note(self, text: str) -> None:
        """A remark the user should see."""


class Silent:
    """A `Progress` that nobody looks at; the default of the Python calls."""

    def phase(self, name: str, total: int) -> None:
        """Ignore it."""

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
