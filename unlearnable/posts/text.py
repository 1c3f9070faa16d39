"""Text files: their encoding, their lines, and whether anything of a text is seen."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from unlearnable.errors import InputError, OutputError

_TABLES = (".csv", ".tsv")
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_WINDOWS = "cp1252"
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # categories of Unicode
_HOLLOW = frozenset("\u034f\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0")  # of other categories, and as little seen


@dataclass(frozen=True)
class Document:
    """The text of a file, its newlines untouched, without its byte order mark."""

    text: str
    encoding: str
    marked: bool = False  # whether a byte order mark stood before it

    def note(self, name: str) -> str:
        """Return what a user should know of how the file, called `name`, was read; empty where there is nothing."""
        check = "it is read as cp1252 and written as UTF-8; check that its letters look right"
        return f"{name} is not UTF-8: {check}" if self.encoding == _WINDOWS else ""

    def encode(self, text: str, path: Path) -> bytes:
        """Return `text` in UTF-8 for a file at `path` that takes the place of this one.

        A table keeps its mark, and gets one if it was not UTF-8: Excel knows UTF-8 by it.
        """
        marked = path.suffix.lower() in _TABLES and (self.marked or self.encoding != "utf-8")
        return (codecs.BOM_UTF8 if marked else b"") + text.encode("utf-8", "backslashreplace")


def read_document(path: Path) -> Document:
    """Read a text file in UTF-8, in UTF-16 with a byte order mark, or else in cp1252.

    Raises:
        InputError: the file cannot be read or is not text.
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
    for encoding in [_MARKS[mark]] if mark else ["utf-8", _WINDOWS]:
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return Document(text, encoding, bool(mark))
    raise InputError(
        f"{path} is not text in {_MARKS.get(mark, 'utf-8')[:6].upper()}", hint="save the captions as UTF-8"
    )


class TextLine(NamedTuple):
    """A line of a text, without its newline, and its number from 1."""

    number: int
    text: str


def lines(text: str) -> Iterator[TextLine]:
    """Yield the lines that are not blank. Only a line feed ends a line: a caption may hold U+2028."""
    for number, line in enumerate(text.split("\n"), 1):
        if not is_blank(line):
            yield TextLine(number, line.removesuffix("\r"))


def is_blank(text: str) -> bool:
    """Return whether nothing of a text is seen: blanks, control characters, zero-width spaces and the like."""
    return all(letter in _HOLLOW or unicodedata.category(letter) in _UNSEEN for letter in text)


def one_line(caption: str) -> str:
    """Return a caption for a file with one caption a line.

    Raises:
        OutputError: it has a line break.
    """
    if "\n" in caption:
        raise OutputError(
            f"a file with one caption a line cannot hold {caption!r}", hint="take the line break out of the caption"
        )
    return caption
