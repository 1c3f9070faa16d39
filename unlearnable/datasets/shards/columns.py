"""Which columns of a Parquet file hold photo and caption, and what a row of it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unlearnable.datasets.shards.kind import is_picture
from unlearnable.datasets.text.fields import POSTS, SPLIT
from unlearnable.datasets.text.further import further_of, is_sentence
from unlearnable.datasets.text.spans import is_blank
from unlearnable.extras import require

EXTRA = "shards"
LIBRARY = "pyarrow"
PHOTOS = (*POSTS.photo, "jpg", "jpeg", "png", "webp", "image_bytes", "bytes")


@dataclass(frozen=True)
class PackedRow:
    """A row, as far as it is understood.

    Attributes:
        photo: bytes of its photo, if it holds them.
        path: path of its photo, if it names one.
        captions: its captions, each once.
        values: all of its values but the photo's bytes.
        columns: the columns.
    """

    photo: bytes | None
    path: str | None
    captions: list[str]
    values: dict[str, Any]
    columns: PackedColumns

    @property
    def split(self) -> str | None:
        """The part of the data set that it belongs to, in small letters."""
        named = (value for name, value in self.values.items() if name.casefold() == SPLIT)
        return next((value.strip().lower() for value in named if isinstance(value, str) and not is_blank(value)), None)

    @property
    def fields(self) -> list[tuple[str, int | None]]:
        """Names of other columns that are not published as they are; the caption that each repeats, None if emptied."""
        others = ((name, self.values[name]) for name in self.values if name not in self.columns.own)
        return [found for name, value in others for found in _further(name, value, self.captions)]

    @property
    def sentences(self) -> list[str]:
        """Names of yet other columns that hold some at any depth, and are published as they are."""
        changed = {*self.columns.own, *(name for name, _ in self.fields)}
        return [name for name, value in self.values.items() if name not in changed and _has_sentence(name, value)]

    def edited(
        self, photo: bytes | None, path: str | None, captions: list[str], keep: frozenset[str]
    ) -> dict[str, Any]:
        """Return the values of the columns that change."""
        columns, old = self.columns, self.captions
        own = self.values[columns.caption] if columns.caption else None
        changed: dict[str, Any] = {}
        if isinstance(own, str) and not is_blank(own):
            new = captions[old.index(own.strip())]
            changed[str(columns.caption)] = own if new == own.strip() else new
        elif isinstance(own, list):
            changed[str(columns.caption)] = [
                captions[old.index(one.strip())] if isinstance(one, str) and not is_blank(one) else one for one in own
            ]
        for name, repeated in self.fields:
            if name.casefold() not in keep:
                changed[name] = None if repeated is None else captions[repeated]
        whole = self.values.get(columns.photo)
        if not columns.nested:
            changed[columns.photo] = path if photo is None else photo
        else:
            changed[columns.photo] = {**(whole or {}), "bytes": photo, "path": path}
        return changed


def _further(name: str, value: Any, captions: Sequence[str]) -> Iterator[tuple[str, int | None]]:
    """Yield the field that a column is, if it is not published as it is; one that holds such a value is emptied."""
    one = further_of(name, value, captions)
    if one is not None:
        yield name, one.caption
    elif _is_picture(value) or any(any(_further(*part, captions)) for part in _parts(name, value)):
        yield name, None


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((name, each) for each in value)


def _has_sentence(name: str, value: Any) -> bool:
    return is_sentence(name, value) or any(_has_sentence(*part) for part in _parts(name, value))


def _is_picture(value: Any) -> bool:
    """Return whether bytes begin as a photo or a video does."""
    return isinstance(value, bytes) and (is_picture(value) or value[4:8] == b"ftyp")


@dataclass(frozen=True)
class PackedColumns:
    """The columns that hold a post.

    Attributes:
        photo: column of the photo: its bytes, its path, or both in a `nested` one.
        nested: whether it is a struct of `bytes` and `path`, as Hugging Face writes them.
        caption: column of captions.
    """

    photo: str
    nested: bool
    caption: str | None

    @property
    def own(self) -> tuple[str | None, ...]:
        """Both columns."""
        return self.photo, self.caption


def columns_of(schema: Any, names: Sequence[str] = PHOTOS) -> PackedColumns | None:
    """Return the columns of photo and caption, by the names under which posts have them."""
    arrow = require(LIBRARY, EXTRA)
    by_name = {field.name.casefold(): field for field in reversed(list(schema))}

    def is_text(kind: Any) -> bool:
        kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
        return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))

    def is_binary(kind: Any) -> bool:
        return bool(arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind))

    def is_list(kind: Any) -> bool:
        return bool((arrow.types.is_list(kind) or arrow.types.is_large_list(kind)) and is_text(kind.value_type))

    def is_struct(kind: Any) -> bool:
        names = {kind.field(n).name for n in range(kind.num_fields)} if arrow.types.is_struct(kind) else set()
        return names >= {"bytes", "path"}

    named = [by_name[name] for name in names if name in by_name]
    photo = next((field for wanted in (is_struct, is_binary, is_text) for field in named if wanted(field.type)), None)
    texts = [by_name[name] for name in POSTS.caption if name in by_name]
    caption = next((field for field in texts if is_text(field.type) or is_list(field.type)), None)
    return PackedColumns(photo.name, is_struct(photo.type), caption.name if caption else None) if photo else None


def row_of(values: dict[str, Any], columns: PackedColumns) -> PackedRow:
    """Return a row as far as its columns say what it holds."""
    whole = values.get(columns.photo)
    photo, path = (whole.get("bytes"), whole.get("path")) if isinstance(whole, dict) else (whole, None)
    if isinstance(photo, str):
        photo, path = None, photo
    own = values.get(columns.caption) if columns.caption else None
    texts = [own] if isinstance(own, str) else own or []
    captions = list(dict.fromkeys(text.strip() for text in texts if isinstance(text, str) and not is_blank(text)))
    return PackedRow(photo, path, captions, values, columns)
