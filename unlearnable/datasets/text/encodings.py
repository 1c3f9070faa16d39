"""The encoding of text that is not UTF-8, guessed by its letters: what Windows and Excel wrote before, or DOS."""

from __future__ import annotations

import re

_USUAL = "cp1252"  # of Windows in Western Europe and America
_MORE_USUAL = 1.5  # how much less likely it may be than another encoding and still be taken, for a few words say little
_LATIN = (_USUAL, "cp1250", "cp1254", "cp1257", "iso8859-2", "cp850")
_OTHERS = (
    *("cp874", "cp932", "cp949", "gb18030", "big5hkscs", "euc_jis_2004"),
    *("cp1251", "cp1253", "iso8859-7", "cp1255", "cp1256", "koi8-r", "cp866"),
)
_CELLS = re.compile(rb"[,;\t\r\n]+")  # bytes that are no part of a letter in any of these
_HIGH = re.compile(rb"[\x80-\xff]+")
_LETTER = re.compile(rb"[A-Za-z]")


def guessed(data: bytes) -> str | None:
    """Return the name of the encoding that text is most likely in; None if it is no text.

    Cells in ASCII, such as names of files, are not regarded: they tell of English.
    """
    from chardet import detect_all

    foreign = b"\n".join(cell for cell in _CELLS.split(data) if not cell.isascii())
    encodings = _LATIN if _letters_stand_alone(foreign) else (*_LATIN, *_OTHERS)
    found = detect_all(foreign, ignore_threshold=True, compat_names=False, include_encodings=encodings)
    likely = {name: one["confidence"] for one in found if (name := one["encoding"]) and _decodes(data, name)}
    if _USUAL in likely:
        likely[_USUAL] *= _MORE_USUAL
    return max(likely, key=lambda name: likely[name], default=None)


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
