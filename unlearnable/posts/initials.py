"""Names as their initials, as "A. C." for "Ada Cox": whoever reads them, a model too, cannot tell whose they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from unlearnable.posts.names import STAY, is_ordinary

_FIRST = re.compile(r"[^\W_][\u0300-\u036f]*")
_AFTER = r"(?![\w\u0300-\u036f]|\.\w)\.?"  # the full stop of a sentence is that of the initial


def initials(name: str) -> str:
    """Return the first letter of each word of a name, with a full stop."""
    return re.sub(r"[^\s-]+", lambda word: f"{found[0]}." if (found := _FIRST.search(word[0])) else word[0], name)


def shortened(caption: str, names: Sequence[str]) -> str:
    """Return a caption with names as their initials, also where a part of one stands alone, as "Ada" of "Ada Cox".

    A name of several words counts in any letters, a single word as it is given or with capitals, for "rose" is no Rose.
    Tags, handles and addresses stay, and parts that are ordinary words.
    """
    if not names:
        return caption
    return _pattern(tuple(names)).sub(lambda found: initials(found[1]) if found[1] else found[0], caption)


def mentions(caption: str, name: str) -> bool:
    """Return whether a caption has a whole name where `shortened` would write its initials."""
    return any(found[1] for found in _pattern((name,), parts=False).finditer(caption))


def stands_in(text: str, name: str) -> bool:
    """Return whether a text says a whole name anywhere, also with its words joined as in names of files and tags."""
    words = list(map(re.escape, name.split()))
    bound = r"[^\W\d_]" if len(words) > 1 else r"[^\W_]"  # "adacox87" is a handle, "0ada1" a part of some number
    return bool(re.search(rf"(?<!{bound})" + r"[\W_]*".join(words) + rf"(?!{bound})", text, re.IGNORECASE))


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
    written = {name} if " " in name else {name, name.capitalize(), name.upper()}
    forms = {unicodedata.normalize(form, one) for form in ("NFC", "NFD") for one in written}
    escaped = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in sorted(forms))
    return f"(?i:{escaped})" if " " in name else f"(?:{escaped})"
