"""PubFig's official lists, `dev_urls.txt` and `eval_urls.txt`, for the photos that some downloader saved from them."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from unlearnable.datasets.faces.layouts import Found, Owner, name_of
from unlearnable.datasets.text.document import lines, read_document
from unlearnable.datasets.types import Skipped

LISTS = "*_urls*.txt"
_COLUMNS = 5  # person, imagenum, url, rect, md5sum


class _Row(NamedTuple):
    person: str
    number: int
    url: str
    digest: str


def from_url_lists(root: Path, ids: Iterable[str]) -> Found | None:
    """Read the lists in `root`, and find the file of each row in it or in its folder `images`.

    Returns:
        What they tell, where every file is one row's; None where there is no list.

    Raises:
        InputError: a list cannot be read.
    """
    paths = sorted(path for path in root.glob(LISTS) if path.is_file())
    if not paths:
        return None
    rows: dict[tuple[str, int], _Row] = {}  # a sample of a list may lie beside the list
    skipped: list[Skipped] = []
    for path in paths:
        for where, row in _read(path):
            if row is None:
                skipped.append(Skipped(where, "bad-row", "not person, imagenum, url, rect and md5sum, with TABs"))
            else:
                rows.setdefault((row.person, row.number), row)
    known = _by_place(ids)
    owners: dict[str, Owner] = {}
    for row in rows.values():
        photos = (known[place] for place in _places(row) if place in known)
        photo = next((photo for photo in photos if photo not in owners), None)
        if photo is not None:
            owners[photo] = Owner(row.person)
    if missing := len(rows) - len(owners):
        names = ", ".join(path.name for path in paths)
        skipped.append(Skipped(names, "missing-photo", f"{missing} of {len(rows)} rows have no file"))
    return Found("pubfig", owners, tuple(skipped))


def _read(path: Path) -> Iterator[tuple[str, _Row | None]]:
    """The rows of a list with their places, None where one cannot be used."""
    text = read_document(path).text
    for line in lines(text):
        cells = [cell.strip() for cell in text[line.start : line.end].split("\t")]
        if cells[0].startswith("#"):
            continue
        good = len(cells) == _COLUMNS and cells[0] and cells[1].isdecimal()
        row = _Row(name_of(cells[0]), int(cells[1]), cells[2], cells[4]) if good else None
        yield f"{path.name}:{line.number}", row


def _by_place(ids: Iterable[str]) -> dict[str, str]:
    """The photos by their path, and by their path without the suffix, from the folder and from `images` in it."""
    known: dict[str, str] = {}
    for photo in ids:
        place = unicodedata.normalize("NFC", photo.removeprefix("images/"))
        known.setdefault(place, photo)
        known.setdefault(str(PurePosixPath(place).with_suffix("")), photo)
    return known


def _places(row: _Row) -> Iterator[str]:
    """Where downloaders put the file of a row: by number, under its own name, or by its digest."""
    joined = row.person.replace(" ", "_")
    name = posixpath.basename(row.url.partition("?")[0])
    for file in (str(row.number), name, unquote(name)):
        yield f"{row.person}/{file}"
        yield f"{joined}/{file}"
    yield f"{joined}_{row.number:04d}"
    yield row.digest
