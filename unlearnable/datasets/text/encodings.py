"""The encoding of text that is not UTF-8, guessed by its letters: what Windows and Excel wrote before, DOS or a Mac."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

_USUAL = "cp1252"  # of Windows in Western Europe and America
_MORE_USUAL = 1.5  # how much less likely it may be than another encoding and still be taken, for a few words say little
_LATIN = (_USUAL, "cp1250", "cp1254", "cp1257", "iso8859-2", "cp850")
_MAC = "mac-roman"  # as Latin, but in question only where the usual encoding has misfits
_OTHERS = (
    *("cp874", "cp932", "cp949", "gb18030", "big5hkscs", "euc_jis_2004"),
    *("cp1251", "cp1253", "iso8859-7", "cp1255", "cp1256", "koi8-r", "cp866"),
)
_CELLS = re.compile(rb"[,;\t\r\n]+")  # bytes that are no part of a letter in any of these
_HIGH = re.compile(rb"[\x80-\xff]+")
_LETTER = re.compile(rb"[A-Za-z]")
_SURE = 6  # bytes beyond ASCII that are in UTF-8 by no accident
_LATIN_END = "\u0250"  # the first letter after those of Latin scripts
_LESS_LIKELY = 0.5  # how much so for each misfit more than another Latin encoding has
_MISFITS = re.compile(rb"(?<=s)C|(?<=[sCl])x(?=[sCl])")  # in the kinds that `_kinds` tells apart
_IN_WORDS = "‘’“”–—…·´¿¡«»™®°\u00ad"  # signs that may stand between letters, as in "l’été"


def guessed(data: bytes) -> str | None:
    """Return the name of the encoding that text is most likely in; None if it is no text, or all of it is ASCII.

    Cells in ASCII, such as names of files, are not regarded: they tell of English.
    """
    from chardet import detect_all

    foreign = b"\n".join(cell for cell in _CELLS.split(data) if not cell.isascii())
    if not foreign:
        return None
    latin = (*_LATIN, _MAC) if _misfits(foreign, _USUAL) else _LATIN
    encodings = latin if _letters_stand_alone(foreign) else (*latin, *_OTHERS)
    found = detect_all(foreign, ignore_threshold=True, compat_names=False, include_encodings=encodings)
    likely = {name: one["confidence"] for one in found if (name := one["encoding"]) and _decodes(data, name)}
    if _USUAL in likely:
        likely[_USUAL] *= _MORE_USUAL
    misfits = {name: _misfits(foreign, name) for name in likely if name in latin}
    for name, count in misfits.items():
        likely[name] *= _LESS_LIKELY ** (count - min(misfits.values()))
    return max(likely, key=lambda name: likely[name], default=None)


class ByLine(NamedTuple):
    """Text of which some lines were in UTF-8, and those of numbers `odd`, from 1, in the encoding that was guessed."""

    text: str
    encoding: str
    odd: tuple[int, ...]


def decoded_by_line(data: bytes) -> ByLine | None:
    """Return text that is in UTF-8 in some lines alone.

    Return None if no line is surely in UTF-8: letters of another encoding may look so by accident.
    """
    lines = data.splitlines(keepends=True)
    beyond = [line for line in lines if not line.isascii()]
    valid = [line for line in beyond if _decodes(line, "utf-8")]
    guess = guessed(b"".join(line for line in beyond if not _decodes(line, "utf-8"))) if valid else None
    mostly = 2 * len(valid) > len(beyond) and sum(map(_beyond_ascii, valid)) >= _SURE
    utf8 = {line for line in valid if mostly or _is_surely_utf8(line, guess)}
    if guess is None or not utf8:
        return None
    odd = [not line.isascii() and line not in utf8 for line in lines]
    texts = [line.decode(guess if other else "utf-8") for line, other in zip(lines, odd, strict=True)]
    return ByLine("".join(texts), guess, tuple(number for number, other in enumerate(odd, 1) if other))


def _is_surely_utf8(line: bytes, other: str | None) -> bool:
    """Return whether a line in UTF-8, or in another encoding by accident, is Latin as that one is, or long."""
    latin = other in (*_LATIN, _MAC) and all(letter < _LATIN_END for letter in line.decode() if letter.isalpha())
    return latin or _beyond_ascii(line) >= _SURE


def _beyond_ascii(line: bytes) -> int:
    return sum(map(len, _HIGH.findall(line)))


def _misfits(data: bytes, encoding: str) -> int:
    """Return how often a capital with an accent follows a small letter, or a sign stands between two, as in "caf‚s"."""
    return len(_MISFITS.findall(data.translate(_kinds(encoding))))


@cache
def _kinds(encoding: str) -> bytes:
    """Return what each byte is: s(mall letter), C(apital with an accent), l(etter of another kind) or x, a sign."""

    def kind(letter: str) -> str:
        if letter.isalpha():
            return "s" if letter.islower() else "C" if letter.isupper() and not letter.isascii() else "l"
        return " " if letter.isascii() or letter in _IN_WORDS else "x"

    return "".join(map(kind, bytes(range(256)).decode(encoding, "replace"))).encode()


def _letters_stand_alone(data: bytes) -> bool:
    """Return whether letters with accents stand alone among plain ones: of other scripts several come together."""
    odd = _HIGH.findall(data)
    count = sum(map(len, odd))
    return _decodes(data, _USUAL) and count < 2 * len(odd) and count < len(_LETTER.findall(data))


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        return "\0" not in data.decode(encoding)
    except UnicodeDecodeError:
        return False
