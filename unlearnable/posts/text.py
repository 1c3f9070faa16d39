"""Text files: their encoding, their lines, the JSON in them, and whether anything of a text is seen."""

import codecs
import json
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from unlearnable.errors import InputError, OutputError

_TABLES = (".csv", ".tsv")
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # categories of Unicode
_HOLLOW = frozenset("\u034f\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0")  # of other categories, and as little seen


class Document(NamedTuple):
    """The text of a file, its newlines untouched, without its byte order mark, and its encoding by Python's name."""

    text: str
    encoding: str

    def encode(self, text: str, path: Path) -> bytes:
        """Return `text` in UTF-8 for a file at `path` that takes the place of this one.

        A table keeps its mark, and gets one if it was not UTF-8: Excel knows UTF-8 by it.
        """
        marked = path.suffix.lower() in _TABLES and self.encoding != "utf-8"
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
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8", "cp1252"]
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            if "\0" not in (text := data.decode(encoding)):
                return Document(text, encoding)
    raise InputError(f"{path} is not text in UTF-8 or UTF-16", hint="save the captions as UTF-8")


def loads(text: str) -> Any:
    """Return the one JSON value of a text, also behind a script's `name = `.

    Raises:
        ValueError: there is none, or a broken one.
    """
    first = re.search(r"[\[{]", text)
    try:
        return json.loads(text[first.start() if first else 0 :].rstrip().removesuffix(";"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


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
