"""Which posts belong together: photos of one content, and posts that have to take one trigger."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from unlearnable.grouping import grouped


def equal_photos(contents: Sequence[Hashable]) -> tuple[tuple[int, ...], ...]:
    """Return the groups of photos, two or more each, whose contents are equal."""
    groups = grouped((content, number) for number, content in enumerate(contents))
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def leaders_of(ties: Sequence[Iterable[Hashable]]) -> tuple[int, ...]:
    """Return, for each post, the first of those that it is tied to, by way of others too; itself if there is none.

    Args:
        ties: of each post; posts are tied that have one in common.
    """
    numbers: dict[Hashable, int] = {}
    rows, columns = [], []
    for post, of_post in enumerate(ties):
        for tie in of_post:
            rows.append(post)
            columns.append(len(ties) + numbers.setdefault(tie, len(numbers)))
    size = len(ties) + len(numbers)
    _, labels = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (size, size)), directed=False)
    first: dict[int, int] = {}
    return tuple(first.setdefault(label, post) for post, label in enumerate(labels[: len(ties)].tolist()))
