"""What is said of fields of the caption file that are not published as they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from unlearnable.datasets.types import ChangedField
from unlearnable.wording import counted, pasted


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
