"""What is said of fields of the caption file that are not published as they were, and of those to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from unlearnable.datasets.types import ChangedField
from unlearnable.wording.counts import counted, named, pasted

_NAMED = 10  # fields in a remark; the others are counted


def field_notes(changed: Iterable[ChangedField], photos: Set[str], keep: Sequence[str]) -> list[str]:
    """Return a note for each field that was emptied or got the protected caption in rows that were written.

    Args:
        changed: fields of the caption file that are not published as they were.
        photos: ids of the photos of which a copy was written.
        keep: names of fields that were kept.
    """
    kept = {name.casefold() for name in keep}
    rows = Counter(
        (one.name, one.emptied) for one in changed if one.photo in photos and one.name.casefold() not in kept
    )
    became = {True: "was emptied", False: "got the protected caption, which it repeats"}
    return [
        f"the field {name} of {counted(count, 'row')} {became[emptied]}: --keep-fields {pasted(name)} keeps it"
        for (name, emptied), count in sorted(rows.items())
    ]


def kept_without_use(changed: Iterable[ChangedField], keep: Sequence[str]) -> list[str]:
    """Return a note for each name of a field to keep that none of the fields has that would change: a slip, perhaps.

    Args:
        changed: fields of the caption file that would not be published as they are.
        keep: names of fields to keep.
    """
    names = sorted({one.name for one in changed})
    folded = {name.casefold() for name in names}
    those = f": {named(names, _NAMED)}" if names else ", as none would"
    return [
        f"--keep-fields {pasted(name)} fits none of the fields that would change{those}"
        for name in keep
        if name.casefold() not in folded
    ]
