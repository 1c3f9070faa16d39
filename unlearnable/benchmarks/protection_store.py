"""On-disk store for one protection: noise, triggers, and run metadata with the full key that they depend on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unlearnable.benchmarks.plan import ProtectionRecipe
from unlearnable.disk import checksums, files, seal
from unlearnable.results import ProtectionRecord
from unlearnable.results.common import StoredRecord
from unlearnable.verify.cells import Key, digest_of


class Saved(StoredRecord):
    """A saved protection without its noise.

    Attributes:
        record: figures of the protection.
        triggers: concepts of each photo's trigger; empty for methods without a trigger.
        key: key that the protection depends on.
        noise_sha256: hex SHA-256 of the noise; None in files of earlier versions.
    """

    record: ProtectionRecord
    triggers: list[list[int]]
    key: dict[str, str | int | float | None]
    noise_sha256: str | None = None


@dataclass(frozen=True)
class ProtectionStore:
    """The files of a protection, which may not exist yet.

    Attributes:
        recipe: how the protection is made.
        folder: folder of all protections.
        key: everything that the protection depends on.
    """

    recipe: ProtectionRecipe
    folder: Path
    key: Key

    @property
    def digest(self) -> str:
        """The hex SHA-256 of the key."""
        return digest_of(self.key)

    @property
    def noise(self) -> Path:
        """The file of the noise."""
        return self._path("i8")

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of a protection that is being made."""
        return self._path("partial")

    @property
    def lock(self) -> Path:
        """The file that the run which makes the protection holds."""
        return self._path("lock")

    def read(self) -> Saved | None:
        """Return the saved protection, or None if it or its noise is missing or damaged, or it has another key."""
        try:
            saved = Saved.model_validate(seal.unseal_json(self._path("json").read_bytes()))
            intact = saved.noise_sha256 in (None, checksums.sha256(self.noise))
        except (OSError, ValueError):
            return None
        return saved if saved.key == dict(self.key) and intact else None

    @property
    def is_damaged(self) -> bool:
        """Whether a protection is there that `read` does not return, though its checkpoint is gone."""
        return self._path("json").is_file() and not self.checkpoint.is_file() and self.read() is None

    def write(self, record: ProtectionRecord, triggers: list[list[int]]) -> Saved:
        """Save a protection, once its noise is written: this file marks it as complete.

        Raises:
            OutputError: the noise is not there any more, or the file cannot be written.
        """
        with files.reporting_write_errors(self.noise):
            checksum = checksums.sha256(self.noise)
        saved = Saved(record=record, triggers=triggers, key=dict(self.key), noise_sha256=checksum)
        files.write_text(self._path("json"), seal.seal_json(saved.model_dump(mode="json")))
        return saved

    def _path(self, kind: str) -> Path:
        return self.folder / f"{self.recipe.name}-{self.digest[:8]}.{kind}"
