"""What is kept of a protection: its noise, and beside it triggers, how it went and how its captions read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from unlearnable import files
from unlearnable.benchmarks.captions import cut_for, with_triggers
from unlearnable.benchmarks.plan import How
from unlearnable.benchmarks.suites.base import Item
from unlearnable.results import FluencyRecord, ProtectionRecord


class Saved(BaseModel):
    """What is kept of a protection beside its noise."""

    record: ProtectionRecord
    triggers: list[list[int]]


@dataclass(frozen=True)
class Kept:
    """Where a protection is kept, be it there yet or not.

    Attributes:
        how: it is made.
        folder: of all protections.
        key: what it depends on.
    """

    how: How
    folder: Path
    key: str

    def path(self, kind: str) -> Path:
        """Its noise ("i8"), the checkpoint while it is made ("partial"), or the rest ("json"), written last."""
        return self.folder / f"{self.how.name}-{self.key[:8]}.{kind}"

    def record(self) -> ProtectionRecord | None:
        """How it was made, or None where it is not there, with its noise."""
        there = self.path("json").is_file() and self.path("i8").is_file()
        return self.read().record if there else None

    def read(self) -> Saved:
        """What is there."""
        return Saved.model_validate_json(self.path("json").read_text(encoding="utf-8"))

    def write(self, saved: Saved) -> None:
        """Keep it."""
        files.write_text(self.path("json"), saved.model_dump_json() + "\n")

    def captions(self, items: Sequence[Item]) -> list[list[str]]:
        """The captions of the first photos as they are published."""
        captions = with_triggers(self.how, cut_for(self.how, items), self.read().triggers)
        return [captions.of(n, item.captions) for n, item in enumerate(items)]

    def note(self, fluency: FluencyRecord) -> None:
        """Keep how its captions read."""
        saved = self.read()
        record = saved.record.model_copy(update={"fluency": fluency})
        self.write(saved.model_copy(update={"record": record}))
