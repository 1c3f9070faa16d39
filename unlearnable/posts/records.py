"""The records of a caption file: what it says of each photo, and how it is written with other captions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from unlearnable.posts.fields import SPLIT, Keys
from unlearnable.posts.text import is_blank
from unlearnable.posts.types import Skipped


class Text:
    """A string in a parsed file: `holder[key]`, or one that is not written back.

    Attributes:
        value: the string.
    """

    def __init__(self, value: str, holder: Any = None, key: str | int = "") -> None:
        self.value = value
        self._place = (holder, key)

    def put(self, new: str) -> None:
        """Put another string in its place."""
        holder, key = self._place
        if holder is not None:
            holder[key] = new


@dataclass(frozen=True, eq=False)
class Entry:
    """What a caption file says about one photo in one place.

    Attributes:
        place: position in the file, for messages: a line number, or `images[3]`.
        photo: path that names the photo.
        captions: captions of the photo, none of them blank; may be empty. Photos of one post share the same object.
        row: the row of the parsed file.
        keys: names, or numbers, of the fields of the row that were used.
        folder: folder that the record gives apart from the path.
        split: part of the data set that the photo belongs to.
        date: day of the post, `2024-05-06`; empty if it is not told.
    """

    place: str
    photo: Text
    captions: tuple[Text, ...]
    row: Any = None
    keys: frozenset[Any] = frozenset()
    folder: str = ""
    split: str | None = None
    date: str = ""


Dump = Callable[[Sequence[Entry], Set[str]], str]
"""`(records, keep)` -> the text of a file of these records, with the fields named in `keep`, case-folded."""


@dataclass(frozen=True)
class Parsed:
    """A parsed caption file.

    Attributes:
        records: usable records, in the order of the file.
        faults: unusable rows; their `where` is only the place within the file.
        dump: writes the file anew.
        fields: names of the fields that are published only if they are kept.
    """

    records: tuple[Entry, ...]
    faults: tuple[Skipped, ...]
    dump: Dump = lambda records, keep: ""
    fields: frozenset[str] = frozenset()


def told_apart(rows: Iterable[Entry | Skipped]) -> tuple[tuple[Entry, ...], tuple[Skipped, ...]]:
    """Return the records among rows, and what says of the others why they are none."""
    found = list(rows)
    return (
        tuple(one for one in found if isinstance(one, Entry)),
        tuple(one for one in found if isinstance(one, Skipped)),
    )


def record_of(place: str, row: Any, fields: Mapping[str, tuple[Any, Sequence[Text]]], keys: Keys) -> Entry | Skipped:
    """Return the record of a row, or why there is none. Blank strings count as absent.

    Args:
        place: position of the row.
        row: the row as its format holds it.
        fields: case-folded name -> key of the field in the row, and its strings.
        keys: names of fields for photo and caption.
    """

    def first(names: Iterable[str]) -> tuple[tuple[Any, ...], tuple[Text, ...]]:
        for name in names:
            key, texts = fields.get(name, ("", ()))
            if filled := tuple(text for text in texts if not is_blank(text.value)):
                return (key,), filled
        return (), ()

    folder = _folder(fields)
    photo_key, photo = first(("filename",) if folder else keys.photo)
    if len(photo) != 1:
        why = "several photos in one row" if photo else f"none of {', '.join(keys.photo[:6])}"
        return Skipped(place, "no-photo", why)
    split_key, split = first((SPLIT,))
    caption_key, captions = first(keys.caption)
    used = frozenset((*photo_key, *caption_key, *split_key, *([fields["filepath"][0]] if folder else [])))
    named = split[0].value.strip().lower() if split else None
    return Entry(place, photo[0], captions, row, used, folder, named)


def _folder(fields: Mapping[str, tuple[Any, Sequence[Text]]]) -> str:
    """Return the `filepath` of a row where that is the folder of its `filename`, as in Karpathy's COCO."""
    for path in fields["filepath"][1] if "filepath" in fields and "filename" in fields else ():
        if not PurePosixPath(path.value).suffix:
            return path.value
    return ""
