"""Store finished cells, one per file: a readable name, and the full key that the result depends on.

The name holds eight hex digits of the key's hash. They keep files apart but prove nothing, so the key itself is
in the file and is compared on reading. A checksum tells a damaged file, whose cell is run again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from unlearnable import files, seal
from unlearnable.progress import Progress
from unlearnable.wording import counted

C = TypeVar("C", bound=BaseModel)
Key = Mapping[str, str | int | float | None]
KEY = "key"
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

    def report_unusable(self, version: int, progress: Progress) -> None:
        """Note how many files are damaged, and how many not of this version of the cells: their cells are run again."""
        versions = [self._version(path) for path in sorted(self.folder.glob("*.json"))]
        if damaged := versions.count(DAMAGED):
            progress.note(f"{counted(damaged, 'damaged cell')} in {self.folder}, run again")
        if earlier := len(versions) - damaged - versions.count(version):
            progress.note(f"{counted(earlier, 'cell')} of an earlier version in {self.folder}, run again")

    @staticmethod
    def _version(path: Path) -> object:
        """Return the version in the key of a file; None without a key, `DAMAGED` if it is not as it was written."""
        try:
            return seal.unseal_json(path.read_bytes())[KEY]["version"]
        except (OSError, ValueError):
            return DAMAGED
        except (TypeError, LookupError):
            return None


def digest_of(key: Key) -> str:
    """Return the hex SHA-256 of a key."""
    return hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()
