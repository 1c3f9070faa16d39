"""Surgery on CSV: cells are read as they are meant, and a new one is quoted where it has to be."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnable.datasets.text.csv_cells import read_rows, speller

FEWER = settings(max_examples=50, deadline=None)
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@FEWER
@given(
    table=st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=4),
    delimiter=st.sampled_from("\t,;|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_cells_are_read_as_the_csv_module_wrote_them(table: list[list[str]], delimiter: str, quoting: int) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    text = buffer.getvalue()
    read = [[cell.value for cell in row.cells] for row in read_rows(text, delimiter)]
    bare = quoting == csv.QUOTE_MINIMAL  # where nothing quotes a cell, the blanks around it are not of it
    written = [
        [cell if not bare or _needs_quotes(cell, delimiter) else cell.strip(" ") for cell in row] for row in table
    ]
    assert read == written
    assert "".join(text[row.span.start : row.span.end] for row in read_rows(text, delimiter)) == text


def _needs_quotes(cell: str, delimiter: str) -> bool:
    return any(mark in cell for mark in (delimiter, '"', "\r", "\n"))


@FEWER
@given(cell=CELLS, new=CELLS, delimiter=st.sampled_from("\t,;|"))
def test_a_new_cell_is_read_as_it_was_meant(cell: str, new: str, delimiter: str) -> None:
    for raw in (cell, '"' + cell.replace('"', '""') + '"'):
        text = f"x{delimiter}{raw}{delimiter}y"
        rows = list(read_rows(text, delimiter))
        if len(rows) == 1 and len(rows[0].cells) == 3:
            slot = rows[0].cells[1]
            spelt = speller(delimiter)(text[slot.start : slot.end], slot.value, new)
            (again,) = read_rows(text[: slot.start] + spelt + text[slot.end :], delimiter)
            assert [found.value for found in again.cells] == ["x", new, "y"]


@pytest.mark.parametrize(
    ("raw", "new", "spelt"),
    [
        ("dog", "a dog", "a dog"),
        ('"dog"', "a dog", '"a dog"'),
        ("dog", "dogs, cats", '"dogs, cats"'),
        ("dog", 'the "dog"', 'the "dog"'),
        ("dog", '"dog"', '"""dog"""'),
        ("dog", " dog", '" dog"'),
        ("dog", "dogs\rcats", '"dogs\rcats"'),
    ],
)
def test_a_cell_has_quotes_where_it_had_or_needs_them(raw: str, new: str, spelt: str) -> None:
    assert speller(",")(raw, raw.strip('"'), new) == spelt
