"""Letters of other alphabets that look like Latin ones: people read a word as before, models read another one.

They are those confusable characters of Unicode (UTS 39) that common fonts draw alike: Cyrillic ones, and four
Greek capitals.
"""

from __future__ import annotations

_LATIN = "ABCEHIJKMNOPSTXYZaceijopsxyh"
_ALIKE = (
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u039a\u041c\u039d\u041e\u0420\u0405\u0422\u0425\u03a5\u0396"
    "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443\u04bb"
)
_TO_ALIKE = str.maketrans(_LATIN, _ALIKE)
_TO_LATIN = str.maketrans(_ALIKE, _LATIN)


def look_alike(text: str) -> str:
    """Return `text` with each Latin letter that has one replaced by a letter that looks the same."""
    return text.translate(_TO_ALIKE)


def plain(text: str) -> str:
    """Return `text` with the Latin letters back; words of languages that have the others are garbled."""
    return text.translate(_TO_LATIN)
