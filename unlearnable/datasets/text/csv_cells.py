"""The cells of delimited text, each with its place, and how a new cell is spelt among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from unlearnable.datasets.text.spans import Span, Spell, TextSpan

_EXCEL = re.compile(r'"?sep=[^\r\n]"?(?:\r\n|\r|\n)', re.IGNORECASE)  # says what stands between cells, before all rows


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row that is not blank: the number of its first line, its place with the newline, and its cells."""

    line: int
    span: Span
    cells: tuple[TextSpan, ...]


def read_rows(text: str, delimiter: str) -> Iterator[CsvRow]:
    """Yield the rows of `text`, by the rules of RFC 4180.

    Blanks around a cell are not part of it. A quote that is never closed is an ordinary character. A first line for
    Excel alone (`sep=;`) is no row.
    """
    mark = re.escape(delimiter)
    cell = re.compile(rf' *(?:("[^"]*+(?:""[^"]*+)*+") *(?={mark}|[\r\n]|\Z)|([^{mark}\r\n]*))({mark}|\r\n|\r|\n|\Z)')
    at, line = (told.end(), 2) if (told := _EXCEL.match(text)) else (0, 1)
    while at < len(text):
        start, cells, more = at, [], True
        while more and (match := cell.match(text, at)):
            cells.append(_cell(match))
            more = match[3] == delimiter
            at = match.end()
        if len(cells) > 1 or cells[0].value:
            yield CsvRow(line, Span(start, at), tuple(cells))
        line += text.count("\n", start, at) or text.count("\r", start, at)


def _cell(match: re.Match[str]) -> TextSpan:
    if match[1] is not None:
        return TextSpan(match.start(1), match.end(1), match[1][1:-1].replace('""', '"'))
    value = match[2].rstrip(" ")
    return TextSpan(match.start(2), match.start(2) + len(value), value)


def speller(delimiter: str) -> Spell:
    """Return the `spell` of a `Scan` whose cells stand between such delimiters."""
    return partial(_spell, delimiter)


def _spell(delimiter: str, raw: str, value: str, new: str) -> str:
    """Quote a cell where the one it replaces was quoted, and where it has to be."""
    quoted = raw.startswith('"') and raw != value
    needed = new.startswith('"') or new != new.strip(" ") or any(mark in new for mark in (delimiter, "\r", "\n"))
    return '"' + new.replace('"', '""') + '"' if quoted or needed else new
