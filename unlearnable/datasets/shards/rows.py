"""Rows of a Parquet file: which columns hold photo and caption, and rows with new ones and all else as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.datasets.shards.kind import damaged, is_picture
from unlearnable.datasets.text.fields import POSTS
from unlearnable.datasets.text.further import further_of
from unlearnable.extras import require

EXTRA = "shards"
LIBRARY = "pyarrow"
_MAGIC = b"PAR1"
_BATCH = 64  # rows in memory at one time
_PHOTOS = (*POSTS.photo, "jpg", "jpeg", "png", "webp", "image_bytes", "bytes")


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
    def fields(self) -> list[tuple[str, int | None]]:
        """Names of other columns that are not published as they are; the caption that each repeats, None if emptied."""
        others = ((name, self.values[name]) for name in self.values if name not in self.columns.own)
        return [found for name, value in others for found in _further(name, value, self.captions)]

    def edited(
        self, photo: bytes | None, path: str | None, captions: list[str], keep: frozenset[str]
    ) -> dict[str, Any]:
        """Return the values of the columns that change."""
        columns, old = self.columns, self.captions
        own = self.values[columns.caption] if columns.caption else None
        changed: dict[str, Any] = {}
        if isinstance(own, str) and own.strip():
            new = captions[old.index(own.strip())]
            changed[str(columns.caption)] = own if new == own.strip() else new
        elif isinstance(own, list):
            changed[str(columns.caption)] = [
                captions[old.index(one.strip())] if isinstance(one, str) and one.strip() else one for one in own
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


def is_parquet(path: Path) -> bool:
    """Return whether a file is called so, and begins as such files do."""
    try:
        with path.open("rb") as file:
            return path.suffix.lower() == ".parquet" and file.read(4) == _MAGIC
    except OSError:
        return False


def read_rows(path: Path) -> Iterator[PackedRow]:
    """Yield the rows of a file; none where no column holds photos.

    Raises:
        InputError: it is damaged.
        ConfigError: the library that reads it is not installed.
    """
    with _opened(path) as opened:
        columns = _columns(opened.schema_arrow)
        if columns is not None:
            for batch in opened.iter_batches(_BATCH):
                yield from (_row(values, columns) for values in _values(batch))


def read_note(path: Path, name: str) -> str | None:
    """Return what a file says under a name beside its rows, if it does.

    Raises:
        InputError: it is damaged.
        ConfigError: the library that reads it is not installed.
    """
    with _opened(path) as opened:
        note: bytes | None = (opened.metadata.metadata or {}).get(name.encode())
        return None if note is None else note.decode(errors="replace")


def rewrite_rows(
    path: Path,
    target: Path,
    edit: Callable[[int, PackedRow], dict[str, Any] | None],
    names: Sequence[str] = _PHOTOS,
    notes: Callable[[], dict[str, str]] = dict,
) -> None:
    """Write a copy of a file with the same schema, but that a column may be emptied and have more categories.

    Args:
        path: file to copy.
        target: the copy.
        edit: `(number, row)` -> its values that change; None where the row is left out.
        names: names that the column of photos may have.
        notes: `()` -> what the copy says beside its rows, asked when all are written.
    """
    arrow, parquet = require(LIBRARY, EXTRA), require("pyarrow.parquet", EXTRA)
    number = 0
    with _opened(path) as opened:
        columns, schema = _columns(opened.schema_arrow, names), _loose(opened.schema_arrow)
        groups = opened.metadata.num_row_groups
        packing = opened.metadata.row_group(0).column(0).compression.lower() if groups else "snappy"
        with parquet.ParquetWriter(target, schema, compression="none" if packing == "uncompressed" else packing) as out:
            for batch in opened.iter_batches(_BATCH):
                rows = [_row(values, columns) for values in _values(batch)] if columns else []
                changes = [edit(number + place, row) for place, row in enumerate(rows)]
                number += len(rows)
                kept = [place for place, change in enumerate(changes) if change is not None]
                table = arrow.Table.from_batches([batch]).take(arrow.array(kept, arrow.int64())).cast(schema)
                edits = [change for change in changes if change is not None]
                for name in sorted({name for change in edits for name in change}):
                    at = schema.get_field_index(name)
                    new = {place: change[name] for place, change in enumerate(edits) if name in change}
                    table = table.set_column(at, schema.field(at), _replaced(table.column(at), new))
                out.write_table(table)
            if beside := notes():
                out.add_key_value_metadata(beside)


def _loose(schema: Any) -> Any:
    arrow = require(LIBRARY, EXTRA)

    def wide(kind: Any) -> Any:
        is_category = arrow.types.is_dictionary(kind)
        return arrow.dictionary(arrow.int32(), kind.value_type, kind.ordered) if is_category else kind

    fields = [field.with_type(wide(field.type)).with_nullable(True) for field in schema]
    return arrow.schema(fields, metadata=schema.metadata)


def _replaced(column: Any, new: dict[int, Any]) -> Any:
    """Return a column with other values in some places."""
    arrow = require(LIBRARY, EXTRA)
    places = {place: len(column) + number for number, place in enumerate(new)}
    both = arrow.chunked_array([*column.chunks, arrow.array(list(new.values()), column.type)]).unify_dictionaries()
    return both.take(arrow.array([places.get(place, place) for place in range(len(column))], arrow.int64()))


def _values(batch: Any) -> list[dict[str, Any]]:
    """Return the values of each row; times are numbers, as Python has none so fine nor so far."""
    arrow = require(LIBRARY, EXTRA)
    schema = arrow.schema([field.with_type(_timeless(field.type)) for field in batch.schema])
    rows: list[dict[str, Any]] = arrow.Table.from_batches([batch]).cast(schema).to_pylist()
    return rows


def _timeless(kind: Any) -> Any:
    """Return a type with numbers in the place of times."""
    arrow = require(LIBRARY, EXTRA)
    if arrow.types.is_temporal(kind) and not arrow.types.is_interval(kind):
        return arrow.int32() if kind.bit_width == 32 else arrow.int64()
    if arrow.types.is_struct(kind):
        return arrow.struct([field.with_type(_timeless(field.type)) for field in kind])
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
        make = arrow.list_ if arrow.types.is_list(kind) else arrow.large_list
        return make(kind.value_field.with_type(_timeless(kind.value_type)))
    return kind


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    arrow, parquet = require(LIBRARY, EXTRA), require("pyarrow.parquet", EXTRA)
    try:
        with parquet.ParquetFile(path) as opened:
            yield opened
    except arrow.ArrowInvalid as error:
        raise damaged(path, error) from error


def _columns(schema: Any, names: Sequence[str] = _PHOTOS) -> PackedColumns | None:
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


def _row(values: dict[str, Any], columns: PackedColumns) -> PackedRow:
    whole = values.get(columns.photo)
    photo, path = (whole.get("bytes"), whole.get("path")) if isinstance(whole, dict) else (whole, None)
    if isinstance(photo, str):
        photo, path = None, photo
    own = values.get(columns.caption) if columns.caption else None
    texts = [own] if isinstance(own, str) else own or []
    captions = list(dict.fromkeys(text.strip() for text in texts if isinstance(text, str) and text.strip()))
    return PackedRow(photo, path, captions, values, columns)


def with_suffix(path: str | None, suffix: str) -> str | None:
    """Return a path with the suffix of the new file, or as it is where that is of the same kind."""
    if not path or PurePosixPath(path).suffix.lower() == suffix or not PurePosixPath(path).name:
        return path
    return str(PurePosixPath(path).with_suffix(suffix))
