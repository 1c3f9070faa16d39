"""PubFig's official lists, `dev_urls.txt` and `eval_urls.txt`, matched to photos that were downloaded from them."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from unlearnable.posts.faces.types import Label, Labels, person_name
from unlearnable.posts.text import lines, read_document
from unlearnable.posts.types import Skipped
from unlearnable.wording import counted

LISTS = "*_urls*.txt"
_COLUMNS = 5  # person, imagenum, url, rect, md5sum


class _Row(NamedTuple):
    person: str
    number: int
    url: str
    digest: str


def from_url_lists(root: Path, ids: Iterable[str]) -> Labels | None:
    """Read the lists in `root`, and find the file of each row in that folder or in `images` inside it.

    Returns:
        The labels of the files, each of which belongs to one row; None if there is no list.

    Raises:
        InputError: a list cannot be read.
    """
    paths = sorted(path for path in root.glob(LISTS) if path.is_file())
    if not paths:
        return None
    rows: dict[tuple[str, int], _Row] = {}  # a sample of a list may lie beside the list
    skipped: list[Skipped] = []
    for path in paths:
        for place, row in _read(path):
            if row is None:
                skipped.append(Skipped(place, "bad-row", "not person, imagenum, url, rect and md5sum, with TABs"))
            else:
                rows.setdefault((row.person, row.number), row)
    by_path = _by_path(ids)
    labels: dict[str, Label] = {}
    for row in rows.values():
        photos = (by_path[candidate] for candidate in _candidates(row) if candidate in by_path)
        photo = next((photo for photo in photos if photo not in labels), None)
        if photo is not None:
            labels[photo] = Label(row.person)
    if missing := len(rows) - len(labels):
        names = ", ".join(path.name for path in paths)
        skipped.append(Skipped(names, "missing-photo", f"no file for {missing} of {counted(len(rows), 'row')}"))
    return Labels(labels, tuple(skipped))


def _read(path: Path) -> Iterator[tuple[str, _Row | None]]:
    """Yield the place and the content of each row of a list; the content is None if the row cannot be used."""
    text = read_document(path).text
    for line in lines(text):
        cells = [cell.strip() for cell in line.text.split("\t")]
        if cells[0].startswith("#"):
            continue
        good = len(cells) == _COLUMNS and cells[0] and cells[1].isdecimal()
        row = _Row(person_name(cells[0]), int(cells[1]), cells[2], cells[4]) if good else None
        yield f"{path.name}:{line.number}", row


def _by_path(ids: Iterable[str]) -> dict[str, str]:
    """Index the photos by their path with and without the suffix, from the folder and from `images` inside it."""
    index: dict[str, str] = {}
    for photo in ids:
        path = unicodedata.normalize("NFC", photo.removeprefix("images/"))
        index.setdefault(path, photo)
        index.setdefault(str(PurePosixPath(path).with_suffix("")), photo)
    return index


def _candidates(row: _Row) -> Iterator[str]:
    """Yield the paths at which downloaders store the file of a row: its number, its own name, or its digest."""
    joined = row.person.replace(" ", "_")
    name = posixpath.basename(row.url.partition("?")[0])
    for file in (str(row.number), name, unquote(name)):
        yield f"{row.person}/{file}"
        yield f"{joined}/{file}"
    yield f"{joined}_{row.number:04d}"
    yield row.digest
