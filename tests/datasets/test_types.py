"""What a data set offers beyond what its reader put there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from unlearnable.datasets import Dataset, Pair, open_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"image": "b.jpg", "captions": ["one", "two"]}\n{"image": "b.jpg", "caption": "three"}\n')
    return open_dataset(tmp_path, posts)


def test_captions_are_grouped_by_photo_in_the_order_of_the_file(dataset: Dataset) -> None:
    assert dataset.captions_by_photo() == {"a.jpg": ["a photo"], "b.jpg": ["one", "two", "three"]}
    assert dataset.pairs_by_photo()["b.jpg"] == [
        Pair("b.jpg", "one", 0, 0),
        Pair("b.jpg", "two", 0, 1),
        Pair("b.jpg", "three", 1, 0),
    ]
    assert dataset.uncaptioned == {"a.jpg"}


def test_a_photo_that_was_taken_out_takes_its_captions_along(dataset: Dataset) -> None:
    fewer = replace(dataset, photos=dataset.photos[:1])
    assert fewer.captions_by_photo() == {"a.jpg": ["a photo"]}
