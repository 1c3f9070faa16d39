"""A text file with what it takes to write it back as it was: its encoding and its byte order mark."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from unlearnable.datasets.text.encodings import decoded_by_line, guessed
from unlearnable.datasets.text.spans import is_blank
from unlearnable.errors import InputError
from unlearnable.wording import counts

_TABLES = frozenset({".csv", ".tsv"})
_ANY_ENCODING = _TABLES | {".txt"}  # all other formats are UTF-8 by their own rules
_NAMED = 5  # lines to name at most
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Document:
    """The text of a file, newlines untouched, without the byte order `mark` at its start.

    Attributes:
        text: the text.
        mark: the byte order mark.
        encoding: name of the encoding.
        guessed: whether the encoding is a guess.
        odd: numbers of the lines that were in the encoding that is a guess, where others were in UTF-8.
        is_table: whether a spreadsheet opens the file, which knows UTF-8 by its byte order mark alone.
    """

    text: str
    mark: bytes
    encoding: str
    guessed: bool = False
    odd: tuple[int, ...] = ()
    is_table: bool = False

    def said(self, name: str) -> str:
        """Return what a user should know of how the file, called `name`, was read; empty where there is nothing."""
        if self.odd:
            lines = f"line{'s' if len(self.odd) > 1 else ''} {counts.named(list(map(str, self.odd)), _NAMED)}"
            read = f"read there as {self.encoding}, and written as UTF-8 throughout"
            return f"{name} is UTF-8, but not in {lines}; it is {read}: check that its letters look right"
        letters = "as UTF-8 where the new captions would not be read as that"
        read = f"it is read, and written back, as {self.encoding} ({letters}): check that its letters look right"
        return f"{name} is not UTF-8; {read}" if self.guessed else ""

    def encode(self, text: str) -> bytes:
        """Return the bytes of a file that holds `text` in place of this one.

        They are in UTF-8 where an encoding that was guessed cannot hold it, or would be taken for another one.
        """
        if not self.guessed:
            return self.mark + text.encode(self.encoding)
        with suppress(UnicodeEncodeError):
            data = text.encode(self.encoding)
            if not self.odd and data.decode(guessed(data) or "ascii", "replace") == text:
                return data
        return (codecs.BOM_UTF8 if self.is_table else b"") + text.encode("utf-8")


class TextLine(NamedTuple):
    """A line of a text: `[start, end)` is its text, `[start, stop)` includes the newline."""

    number: int
    start: int
    end: int
    stop: int


def read_document(path: Path) -> Document:
    """Read a text file in UTF-8, in UTF-16 with a byte order mark, or a CSV in an older encoding, which is guessed.

    Raises:
        InputError: the file cannot be read or is no text.
    """
    if path.exists() and not path.is_file():  # a device may have no end, and a pipe be read only once
        raise InputError(f"{path} is no regular file", hint="save the captions in a file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}", hint="check the path and the file permissions"
        ) from error
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding = _MARKS.get(mark, "utf-8")
    try:
        text = data[len(mark) :].decode(encoding)
        if not _is_wide(text[:16]):
            return Document(text, mark, encoding)
    except UnicodeDecodeError:
        suffix = path.suffix.lower()
        is_table, may_be_other = suffix in _TABLES, suffix in _ANY_ENCODING
        if may_be_other and encoding == "utf-8" and (mixed := decoded_by_line(data[len(mark) :])):
            return Document(mixed.text, b"", mixed.encoding, guessed=True, odd=mixed.odd, is_table=is_table)
        if may_be_other and not mark and (guess := guessed(data)):
            return Document(data.decode(guess), b"", guess, guessed=True, is_table=is_table)
    if not mark and b"\0" in data and not _is_wide(data[:16].decode("latin-1")):
        raise InputError(f"{path} is no text", hint="give photos, or captions in a text file such as CSV or JSONL")
    raise InputError(f"{path} is not text in {encoding.upper()}", hint="save the captions as UTF-8")


def _is_wide(start: str) -> bool:
    """Return whether every second character is a zero, as of letters in UTF-16 without a mark, or in UTF-32."""
    halves = start[::2], start[1::2]
    return any(
        len(zeros) > 1 and not zeros.strip("\0") and any(map(str.isalnum, letters))
        for zeros, letters in (halves, halves[::-1])
    )


def lines(text: str) -> Iterator[TextLine]:
    """Yield the lines that are not blank, numbered from 1. Only a line feed ends a line: a caption may hold U+2028."""
    number = stop = 0
    while (start := stop) < len(text):
        number += 1
        stop = text.find("\n", start) + 1 or len(text)
        end = start + len(text[start:stop].removesuffix("\n").removesuffix("\r"))
        if not is_blank(text[start:end]):
            yield TextLine(number, start, end, stop)
