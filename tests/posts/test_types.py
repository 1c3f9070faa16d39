"""What a data set offers beyond what its reader put there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from unlearnable.posts import Dataset, Pair, Photo, open_dataset, split


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"image": "b.jpg", "captions": ["one", "two"]}\n{"image": "b.jpg", "caption": "three"}\n')
    return open_dataset(tmp_path, posts)


def test_captions_are_grouped_by_photo_in_the_order_of_the_file(dataset: Dataset) -> None:
    assert dataset.captions_by_photo() == {"a.jpg": [""], "b.jpg": ["one", "two", "three"]}
    assert dataset.pairs_by_photo()["b.jpg"] == [
        Pair("b.jpg", "one", 0, 0),
        Pair("b.jpg", "two", 0, 1),
        Pair("b.jpg", "three", 1, 0),
    ]
    assert dataset.uncaptioned == {"a.jpg"}


class TestFingerprint:
    """It follows the content of photos and captions, and is only computed where it is asked for."""

    @staticmethod
    def bmp(path: Path, value: int) -> None:
        """Write a grey picture, which takes as many bytes whatever the shade."""
        Image.new("L", (4, 4), value).save(path)

    def test_another_picture_of_the_same_size_and_time_is_another_data_set(self, tmp_path: Path) -> None:
        photo = tmp_path / "a.bmp"
        self.bmp(photo, 10)
        first, stat = open_dataset(tmp_path).fingerprint, photo.stat()
        self.bmp(photo, 200)
        os.utime(photo, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert (photo.stat().st_size, photo.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        assert open_dataset(tmp_path).fingerprint != first
        self.bmp(photo, 10)
        assert open_dataset(tmp_path).fingerprint == first

    @pytest.mark.parametrize("change", ["split", "caption", "photos"])
    def test_all_that_was_read_counts(self, change: str, dataset: Dataset) -> None:
        first, *others = dataset.photos
        changed = {
            "split": replace(dataset, photos=(replace(first, split="test"), *others)),
            "caption": replace(dataset, pairs=(replace(dataset.pairs[0], caption="new"), *dataset.pairs[1:])),
            "photos": replace(dataset, photos=(first,)),
        }
        assert changed[change].fingerprint != dataset.fingerprint
        assert changed[change].posts != dataset.posts

    def test_a_photo_that_cannot_be_read_counts_by_its_absence(self, dataset: Dataset, tmp_path: Path) -> None:
        whole = replace(dataset).fingerprint
        (tmp_path / "a.jpg").unlink()
        without = replace(dataset).fingerprint
        assert without != whole
        assert without == replace(dataset).fingerprint
        (tmp_path / "a.jpg").mkdir()  # root may read any file, but nobody a folder
        assert replace(dataset).fingerprint == without


def test_splits_of_the_data_count_before_a_share():
    def photos(*names):
        return [Photo(str(n), Path(str(n)), name) for n, name in enumerate(names)]

    assert split(photos("train", "test", "val", None), 0.5, 0) == ([0, 3], [1])
    assert split(photos("train", "val"), 0.5, 0) == ([0], [1])
    kept, held = split(photos(*[None] * 10), 0.2, 0)
    assert (len(kept), len(held)) == (8, 2)
    assert sorted(kept + held) == list(range(10))
    assert split(photos(*[None] * 10), 0.2, 1) != (kept, held)
