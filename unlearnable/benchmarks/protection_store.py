"""On-disk store for one protection: noise, triggers, and run metadata with the whole key that they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from unlearnable import files
from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.benchmarks.suites.base import Item
from unlearnable.experiments.cell_store import Key, digest_of
from unlearnable.protection.captions import Captions
from unlearnable.results import FluencyRecord, ProtectionRecord


class Saved(BaseModel):
    """A protection but for its noise."""

    record: ProtectionRecord
    triggers: list[list[int]]
    key: dict[str, str | int | float | None]


@dataclass(frozen=True)
class ProtectionStore:
    """Where a protection is kept, whether or not it is there yet.

    Attributes:
        recipe: how it is made.
        folder: the folder of all protections.
        key: all that it depends on.
    """

    recipe: ProtectionRecipe
    folder: Path
    key: Key

    @property
    def digest(self) -> str:
        """The sha256 of the key."""
        return digest_of(self.key)

    @property
    def noise(self) -> Path:
        """The file of the noise."""
        return self._path("i8")

    @property
    def checkpoint(self) -> Path:
        """The state while the protection is made."""
        return self._path("partial")

    def read(self) -> Saved | None:
        """Return what is kept, or None where it or its noise is not there or is that of another key."""
        try:
            saved = Saved.model_validate_json(self._path("json").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            return None
        return saved if saved.key == dict(self.key) and self.noise.is_file() else None

    def write(self, record: ProtectionRecord, triggers: list[list[int]]) -> Saved:
        """Keep a protection whose noise is written; this comes last."""
        saved = Saved(record=record, triggers=triggers, key=dict(self.key))
        files.write_text(self._path("json"), saved.model_dump_json() + "\n")
        return saved

    def captions(self, saved: Saved, items: Sequence[Item]) -> list[list[str]]:
        """Return the captions of the first photos as they are published."""
        slots = self.recipe.cut([item.captions for item in items])
        captions = Captions.from_tokens(slots, saved.triggers, self.recipe.settings)
        return [captions.of(n, item.captions) for n, item in enumerate(items)]

    def add_fluency(self, saved: Saved, fluency: FluencyRecord) -> None:
        """Keep how the captions read beside the rest."""
        self.write(saved.record.model_copy(update={"fluency": fluency}), saved.triggers)

    def _path(self, kind: str) -> Path:
        return self.folder / f"{self.recipe.name}-{self.digest[:8]}.{kind}"
