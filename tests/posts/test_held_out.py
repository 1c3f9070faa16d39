"""Which photos of a data set are held out."""

from __future__ import annotations

from pathlib import Path

from unlearnable.posts import Photo
from unlearnable.posts.held_out import split


def test_splits_of_the_data_count_before_a_share():
    def photos(*names):
        return [Photo(str(n), Path(str(n)), name) for n, name in enumerate(names)]

    assert split(photos("train", "test", "val", None), 0.5, 0) == ([0, 3], [1])
    assert split(photos("train", "val"), 0.5, 0) == ([0], [1])
    kept, held = split(photos(*[None] * 10), 0.2, 0)
    assert (len(kept), len(held)) == (8, 2)
    assert sorted(kept + held) == list(range(10))
    assert split(photos(*[None] * 10), 0.2, 1) != (kept, held)
