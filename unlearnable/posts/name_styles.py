"""How captions write names: as they are, as initials ("A. C." for "Ada Cox"), or in letters that look alike.

Initials cannot be undone. Letters that look alike are those confusable characters of Unicode (UTS 39) that common fonts
draw as Latin ones, Cyrillic and a few Greek: people read the name as before, models read another word, and a line of
code undoes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from unlearnable.posts.names import STAY, is_ordinary
from unlearnable.settings import NameStyle

_LATIN = "ABCEHIJKMNOPSTXYZaceijopsxyh"
_ALIKE = (
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u039a\u041c\u039d\u041e\u0420\u0405\u0422\u0425\u03a5\u0396"
    "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443\u04bb"
)
_TO_ALIKE = str.maketrans(_LATIN, _ALIKE)
_TO_LATIN = str.maketrans(_ALIKE, _LATIN)
_FIRST = re.compile(r"[^\W_][\u0300-\u036f]*")
_AFTER = r"(?![\w\u0300-\u036f]|\.\w)\.?"  # the full stop of a sentence is that of the initial


def written(caption: str, names: Sequence[str], style: NameStyle) -> str:
    """Return a caption with names in a style, also where a part of one stands alone, as "Ada" of "Ada Cox".

    A name of several words counts in any letters, a single word as it is given or with capitals, for "rose" is no Rose.
    Parts that are ordinary words stay, as do addresses. Of handles and tags only initials take the name: "@ada.cox" is
    "@a.c".
    """
    if style == "keep" or not names:
        return caption

    def change(found: re.Match[str]) -> str:
        if found[1] is None:
            return _handle(found[0], names) if style == "initials" else found[0]
        return initials(found[1]) if style == "initials" else look_alike(found[0])

    return _pattern(tuple(names)).sub(change, caption)


def initials(name: str) -> str:
    """Return the first letter of each word of a name, with a full stop."""
    return re.sub(r"[^\s-]+", lambda word: f"{found[0]}." if (found := _FIRST.search(word[0])) else word[0], name)


def look_alike(text: str) -> str:
    """Return `text` with each Latin letter that has one replaced by a letter that looks the same."""
    return text.translate(_TO_ALIKE)


def plain(text: str) -> str:
    """Return `text` with the Latin letters back; words of languages that have the others are garbled."""
    return text.translate(_TO_LATIN)


def mentions(caption: str, name: str) -> bool:
    """Return whether a caption has a whole name where `written` would change it."""
    return any(found[1] for found in _pattern((name,), parts=False).finditer(caption))


def stands_in(text: str, name: str) -> bool:
    """Return whether a text says a whole name anywhere, also with its words joined as in names of files and tags."""
    return bool(_joined(name).search(text))


def _handle(word: str, names: Sequence[str]) -> str:
    """Return a handle or a tag with the words of each name in it as their first letters; an address as it is."""
    for name in sorted(names if word[0] in "@#" else (), key=len, reverse=True):
        word = _joined(name).sub(lambda found: "".join(part[:1] for part in found.groups()), word)
    return word


@lru_cache(maxsize=64)
def _joined(name: str) -> re.Pattern[str]:
    """Return an expression for a name with its words joined in any way: each word is a group, and what joins two."""
    words = [f"({re.escape(word)})" for word in name.split()]
    bound = r"[^\W\d_]" if len(words) > 1 else r"[^\W_]"  # "adacox87" is a handle, "0ada1" a part of some number
    return re.compile(rf"(?<!{bound})" + r"([\W_]*)".join(words) + rf"(?!{bound})", re.IGNORECASE)


@lru_cache(maxsize=8)
def _pattern(names: tuple[str, ...], *, parts: bool = True) -> re.Pattern[str]:
    wanted = {" ".join(name.split()) for name in names}
    if parts:
        words = {word for name in wanted if " " in name for word in name.split()}
        wanted |= {word for word in words if not is_ordinary(word) and not word[0].islower()}  # no particle, as "van"
    several = sorted(wanted, key=lambda name: (-len(name), name))  # whole names before their parts
    return re.compile(rf"{STAY}|(?<!\w)({'|'.join(map(_forms, several))}){_AFTER}")


def _forms(name: str) -> str:
    """Return an expression for a name with its accents in one letter or in two."""
    given = {name} if " " in name else {name, name.capitalize(), name.upper()}
    forms = {unicodedata.normalize(form, one) for form in ("NFC", "NFD") for one in given}
    escaped = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in sorted(forms))
    return f"(?i:{escaped})" if " " in name else f"(?:{escaped})"
