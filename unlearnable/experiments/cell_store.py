"""Store finished cells, one per file: a readable name, and the full key that the result depends on.

The name holds eight hex digits of the key's hash. They keep files apart but prove nothing, so the key itself is
in the file and is compared on reading. A checksum tells a damaged file, whose cell is run again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from unlearnable.disk import files, seal
from unlearnable.progress.reporting import Progress
from unlearnable.results.common import version_of
from unlearnable.wording.counts import counted

C = TypeVar("C", bound=BaseModel)
Key = Mapping[str, str | int | float | None]
KEY, PRECISION = "key", "precision"
OTHER_FORMAT = {"bf16": "fp32", "fp32": "bf16"}
DAMAGED = "damaged"
LONGEST = 160  # characters of a name; file systems take 255, of which the rest of a file's name needs some


@dataclass(frozen=True)
class CellStore(Generic[C]):
    """The cells of one folder.

    Attributes:
        folder: folder of the cells; it is created with the first cell.
        kind: class of the records.
    """

    folder: Path
    kind: type[C]

    def path(self, name: str, key: Key) -> Path:
        """Return the path of the cell of a key: `<name>-<hash8>.json`, a long name cut short."""
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:LONGEST]
        return self.folder / f"{plain}-{digest_of(key)[:8]}.json"

    def read(self, name: str, key: Key) -> C | None:
        """Return the cell of a key, or None if it was not run, or its file has another key or cannot be read."""
        try:
            content = seal.unseal_json(self.path(name, key).read_bytes())
            return self.kind.model_validate(content) if content.pop(KEY, None) == dict(key) else None
        except (OSError, ValueError, TypeError, AttributeError):  # whatever the file holds, it is not a cell
            return None

    def write(self, name: str, key: Key, cell: C) -> None:
        """Write the cell of a key."""
        content = {**cell.model_dump(mode="json"), KEY: dict(key)}
        files.write_text(self.path(name, key), seal.seal_json(content))

    def report_unusable(self, version: str, wanted: Iterable[tuple[str, Key]], progress: Progress) -> None:
        """Note which files are of no use, and why, where cells are wanted that are not there.

        Args:
            version: version of the cells that are wanted, as in their keys.
            wanted: name and key of each.
            progress: receives the notes.
        """
        missing = [(name, key) for name, key in wanted if self.read(name, key) is None]
        if not missing:
            return
        versions = [self._version(path) for path in sorted(self.folder.glob("*.json"))]
        if damaged := versions.count(DAMAGED):
            progress.note(f"{counted(damaged, 'damaged cell')} in {self.folder}, run again")
        why = f"not used, as each version may train otherwise than {version}: what is wanted is run again"
        if others := len(versions) - damaged - versions.count(version):
            progress.note(f"{counted(others, 'cell')} of another version in {self.folder}, {why}")
        for here, there in OTHER_FORMAT.items():
            like = [(name, {**key, PRECISION: there}) for name, key in missing if key.get(PRECISION) == here]
            if found := sum(self.read(name, key) is not None for name, key in like):
                why = f"not used, as this run trains in {here}: what is wanted is run again"
                progress.note(f"{counted(found, 'cell')} trained in {there} in {self.folder}, {why}")

    @staticmethod
    def _version(path: Path) -> object:
        """Return the version in the key of a file; None without a key, `DAMAGED` if it is not as it was written."""
        try:
            return seal.unseal_json(path.read_bytes())[KEY]["version"]
        except (OSError, ValueError):
            return DAMAGED
        except (TypeError, LookupError):
            return None


def version_of_cells(number: int) -> str:
    """Return the version of cells, as in their keys: of this program, which another one may differ from in whatever
    makes a figure, and the number of what a cell holds.
    """
    return f"unlearnable {version_of('unlearnable')}, cells {number}"


def digest_of(key: Key) -> str:
    """Return the hex SHA-256 of a key."""
    return hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()
