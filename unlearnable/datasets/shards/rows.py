"""Read the rows of a Parquet file, and write a copy of it with other photos and captions and all else as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.datasets.shards.columns import EXTRA, LIBRARY, PHOTOS, PackedRow, columns_of, row_of
from unlearnable.datasets.shards.kind import damaged
from unlearnable.extras import require

_MAGIC = b"PAR1"
_BATCH = 64  # rows in memory at one time


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
        columns = columns_of(opened.schema_arrow)
        if columns is not None:
            for batch in opened.iter_batches(_BATCH):
                yield from (row_of(values, columns) for values in _values(batch))


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
    edit: Callable[[PackedRow], dict[str, Any] | None],
    names: Sequence[str] = PHOTOS,
    notes: Callable[[], dict[str, str]] = dict,
) -> None:
    """Write a copy of a file with the same schema, but that a column may be emptied and have more categories.

    Args:
        path: file to copy.
        target: the copy.
        edit: row -> its values that change; None where it is left out. Called once for each row, in order.
        names: names that the column of photos may have.
        notes: `()` -> what the copy says beside its rows, asked when all are written.
    """
    arrow, parquet = require(LIBRARY, EXTRA), require("pyarrow.parquet", EXTRA)
    with _opened(path) as opened:
        columns, schema = columns_of(opened.schema_arrow, names), _loose(opened.schema_arrow)
        groups = opened.metadata.num_row_groups
        packing = opened.metadata.row_group(0).column(0).compression.lower() if groups else "snappy"
        with parquet.ParquetWriter(target, schema, compression="none" if packing == "uncompressed" else packing) as out:
            for batch in opened.iter_batches(_BATCH):
                changes = [edit(row_of(values, columns)) for values in _values(batch)] if columns else []
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


def with_suffix(path: str | None, suffix: str) -> str | None:
    """Return a path with the suffix of the new file, or as it is where that is of the same kind."""
    if not path or PurePosixPath(path).suffix.lower() == suffix or not PurePosixPath(path).name:
        return path
    return str(PurePosixPath(path).with_suffix(suffix))
