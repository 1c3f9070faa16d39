"""Photos that Apple's export of iCloud lists as hidden or deleted: `Photo Details.csv`, and the album `Hidden.csv`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from unlearnable.datasets.recognition import lists_photos_alone
from unlearnable.datasets.text.csv_cells import read_rows
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.tree import WITHHELD, find_files
from unlearnable.datasets.types import Skipped
from unlearnable.errors import InputError
from unlearnable.grouping import grouped

_DETAILS = re.compile(r"photo details.*\.csv", re.IGNORECASE)
_HIDDEN = "hidden.csv"
_KEPT_BACK = {"hidden": "it is hidden in iCloud", "deleted": "it was deleted in iCloud"}


def kept_back(root: Path, photos: Iterable[str]) -> list[Skipped]:
    """Return what stands for the photos that the lists of an export keep back, sorted by path.

    Args:
        root: folder in which the lists lie, at any depth.
        photos: ids of the photos there; a list means those beside it, or of other folders where none is called so.
    """
    lists = find_files(root, lambda name: name.lower() == _HIDDEN or bool(_DETAILS.fullmatch(name)))
    called = grouped((PurePosixPath(photo).name.casefold(), photo) for photo in photos) if lists else {}
    found: dict[str, str] = {}
    for file in lists:
        for name, why in _names_in(root / file):
            alike = called.get(name.casefold(), [])
            beside = [photo for photo in alike if PurePosixPath(photo).parent == PurePosixPath(file).parent]
            found |= dict.fromkeys(beside or alike, why)
    return [Skipped(photo, WITHHELD, why) for photo, why in sorted(found.items())]


def _names_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of the photos that a list keeps back, each with why; none of a file that is no such list."""
    try:
        text = read_document(path).text
    except InputError:
        return
    rows = ([cell.value for cell in row.cells] for row in read_rows(text if lists_photos_alone(text) else "", ","))
    heading = next(rows, [])
    for name, *cells in rows:
        said = dict(zip(heading[1:], cells, strict=False))
        marks = ["hidden"] if path.name.lower() == _HIDDEN else [mark for mark in _KEPT_BACK if said.get(mark) == "yes"]
        yield from ((name, _KEPT_BACK[mark]) for mark in marks[:1])
