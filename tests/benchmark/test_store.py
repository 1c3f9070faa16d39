"""The cache of decoded photos, used by several runs at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unlearnable.benchmark import cells
from unlearnable.benchmark.cells import decoded, square
from unlearnable.benchmark.suites import Item
from unlearnable.errors import InputError, OutputError
from unlearnable.imaging.decode import decode
from unlearnable.posts import Photo
from unlearnable.storage.progress import Silent

RUNS = 4


@pytest.fixture
def items(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    for number, photo in enumerate(pixels):
        Image.fromarray(photo).save(tmp_path / f"{number}.png")
    return [Item(Photo(f"{n}.png", tmp_path / f"{n}.png", "train"), ("a photo",)) for n in range(len(pixels))]


@pytest.fixture
def paths(monkeypatch):
    """The names of the photos that are decoded."""
    found = []
    monkeypatch.setattr(cells, "decode", lambda path: found.append(path.name) or decode(path))
    return found


def test_runs_at_once_decode_once_and_read_the_same(items, tmp_path, paths):
    with ThreadPoolExecutor(RUNS) as pool:
        runs = list(pool.map(lambda _: decoded(items, 32, tmp_path / "cache", Silent()), range(RUNS)))
    assert paths == ["0.png", "1.png", "2.png"]
    assert len({photos.pixels.sha256() for photos in runs}) == 1
    assert runs[0].pixels.shapes == [(32, 32)] * 3


def test_photos_are_decoded_again_when_their_content_changes_and_only_then(items, tmp_path, paths):
    first = decoded(items, 32, tmp_path / "cache", Silent())
    paths.clear()
    reworded = decoded([replace(item, captions=("other words",)) for item in items], 32, tmp_path / "cache", Silent())
    assert (reworded.pixels.sha256(), paths) == (first.pixels.sha256(), [])
    assert reworded.sha256() != first.sha256()
    items[0].photo.path.write_bytes(b"no photo")
    changed = decoded(items, 32, tmp_path / "cache", Silent())
    assert paths == ["0.png", "1.png", "2.png"]
    assert ([item.photo.id for item in changed.items], changed.skipped[0].where) == (["1.png", "2.png"], "0.png")
    with pytest.raises(InputError):
        decoded(items[:1], 32, tmp_path / "cache", Silent())


def test_a_cache_that_cannot_be_made_says_so(items, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        decoded(items, 32, tmp_path / "file" / "cache", Silent())
    assert "UNLEARNABLE_CACHE" in str(caught.value.hint)


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (40, 40), (9, 100)])
def test_squares_are_the_middle_and_never_enlarged(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert square(pixels, 20).shape == (min(20, *shape),) * 2 + (3,)
    assert square(pixels, 64).shape == (min(shape),) * 2 + (3,)
