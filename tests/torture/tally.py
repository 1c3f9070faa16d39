"""What came of the trials of a drill."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """The outcomes of the trials of one drill."""

    drill: str
    outcomes: Counter[str] = field(default_factory=Counter)  # how often each good outcome came up
    faults: list[str] = field(default_factory=list)  # one line a trial, with what is needed to repeat it

    @property
    def trials(self) -> int:
        """The number of trials."""
        return self.outcomes.total() + len(self.faults)

    def add(self, other: Tally) -> None:
        """Add the trials of another tally."""
        self.outcomes += other.outcomes
        self.faults += other.faults

    def row(self) -> str:
        """Return the row of a Markdown table: drill, trials, outcomes, faults."""
        shown = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items(), key=lambda one: -one[1]))
        return f"| {self.drill} | {self.trials} | {shown} | {len(self.faults)} |"
