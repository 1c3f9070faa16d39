"""The names under which posts hold their photo and their caption, and the record that a row's fields make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnable.datasets.text.records import Record, Slot, Span
from unlearnable.datasets.types import Skipped

SPLIT = "split"


@dataclass(frozen=True)
class Keys:
    """Names of fields, the preferred first: the first that holds something is taken."""

    photo: tuple[str, ...]
    caption: tuple[str, ...]

    @property
    def all(self) -> frozenset[str]:
        """Every field that a reader looks at."""
        return frozenset((*self.photo, *self.caption, SPLIT))


POSTS = Keys(
    photo=("image", "file_name", "filepath", "path", "file", "img", "uri", "filename", "image_path", "image_name"),
    caption=("caption", "captions", "text", "title", "sentences", "description", "prompt", "comment"),
)


def as_record(place: str, row: Span, fields: Mapping[str, Sequence[Slot]], keys: Keys) -> Record | Skipped:
    """The record that the strings of a row make, or why they make none. Blank strings count as absent."""
    photo = _first(fields, keys.photo)
    if len(photo) != 1:
        return Skipped(place, "no-photo", "several photos in one row" if photo else f"none of {', '.join(keys.photo)}")
    split = _first(fields, (SPLIT,))
    return Record(place, photo[0], _first(fields, keys.caption), (row,), split=split[0].value if split else None)


def _first(fields: Mapping[str, Sequence[Slot]], names: tuple[str, ...]) -> tuple[Slot, ...]:
    for name in names:
        if filled := tuple(slot for slot in fields.get(name, ()) if slot.value.strip()):
            return filled
    return ()
