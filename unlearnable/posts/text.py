"""Text files: their encoding, their lines, and the words in text that platforms have encoded once more."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from unlearnable.errors import InputError

_TABLES = frozenset({".csv", ".tsv"})
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_WINDOWS = "cp1252"
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # categories of Unicode
_HOLLOW = frozenset("\u034f\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0")  # of other categories, and as little seen
_BREAK = re.compile(r"<br\b[^<>]*>|</li>\s*<li\b[^<>]*>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</(?:p|ul|ol|blockquote)>\s*<(?:p|ul|ol|blockquote)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"""<!--.*?-->|</?[A-Za-z](?:"[^"]*"|'[^']*'|[^<>"'])*>""", re.DOTALL)


@dataclass(frozen=True)
class Document:
    """The text of a file, without its byte order mark.

    Attributes:
        text: the text, newlines untouched.
        encoding: name of the encoding.
        marked: whether a byte order mark stood before it.
    """

    text: str
    encoding: str
    marked: bool = False

    def note(self, name: str) -> str:
        """Return what a user should know of how the file, called `name`, was read; empty where there is nothing."""
        check = "it is read as cp1252 and written as UTF-8; check that its letters look right"
        return f"{name} is not UTF-8: {check}" if self.encoding == _WINDOWS else ""

    def encode(self, text: str, path: Path) -> bytes:
        """Return the bytes of a file at `path` that holds `text` in place of this one: UTF-8.

        A table keeps its mark, and gets one if it was not UTF-8: Excel knows UTF-8 by it.
        """
        marked = path.suffix.lower() in _TABLES and (self.marked or self.encoding != "utf-8")
        return (codecs.BOM_UTF8 if marked else b"") + text.encode("utf-8", "backslashreplace")


def read_document(path: Path) -> Document:
    """Read a text file in UTF-8, in UTF-16 with a byte order mark, or else in cp1252.

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


def undone(text: str) -> str:
    """Return the text that was meant where its UTF-8 bytes were taken for Latin-1, as Instagram and Facebook do."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def words_of_html(source: str) -> str:
    """Return the text of a piece of HTML: `<br>` and a new item are a line break, a new paragraph two."""
    text = _BREAK.sub("\n", _PARAGRAPH.sub("\n\n", source))
    return html.unescape(_TAG.sub("", text)).strip()
