"""Store finished cells, one per file: a readable name, and the full key that the result depends on.

The name holds eight hex digits of the key's hash. They keep files apart but prove nothing, so the key itself is
in the file and is compared on reading.
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

from unlearnable import files

C = TypeVar("C", bound=BaseModel)
Key = Mapping[str, str | int | float | None]
KEY = "key"


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
        """Return the path of the cell of a key: `<name>-<hash8>.json`."""
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
        return self.folder / f"{plain}-{digest_of(key)[:8]}.json"

    def read(self, name: str, key: Key) -> C | None:
        """Return the cell of a key, or None if it was not run, or its file has another key or cannot be read."""
        try:
            content = json.loads(self.path(name, key).read_text(encoding="utf-8"))
            return self.kind.model_validate(content) if content.pop(KEY, None) == dict(key) else None
        except (OSError, ValueError, TypeError, AttributeError):  # whatever the file holds, it is not a cell
            return None

    def write(self, name: str, key: Key, cell: C) -> None:
        """Write the cell of a key."""
        content = {**cell.model_dump(mode="json"), KEY: dict(key)}
        files.write_text(self.path(name, key), json.dumps(content) + "\n")

    def outdated(self, version: int) -> int:
        """Return the number of files that are not of this version of the cells, and can no longer be used."""
        return sum(self._version(path) != version for path in self.folder.glob("*.json"))

    @staticmethod
    def _version(path: Path) -> object:
        """Return the version in the key of a file; None for one without a key, or that cannot be read."""
        try:
            return json.loads(path.read_text(encoding="utf-8"))[KEY]["version"]
        except (OSError, ValueError, TypeError, LookupError):
            return None


def digest_of(key: Key) -> str:
    """Return the hex SHA-256 of a key."""
    return hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()
