"""The cache of decoded photos, used by several runs at once."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Told
from unlearnable.benchmark import protections as store
from unlearnable.benchmark.suites import Item
from unlearnable.errors import OutputError
from unlearnable.imaging.decode import decode
from unlearnable.posts import Photo
from unlearnable.storage import checkpoint
from unlearnable.storage.progress import Silent

RUNS = 4


@pytest.fixture
def items(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    for number, photo in enumerate(pixels):
        Image.fromarray(photo).save(tmp_path / f"{number}.png")
    return [Item(Photo(f"{n}.png", tmp_path / f"{n}.png", "train"), ("a photo",)) for n in range(len(pixels))]


def test_runs_at_once_decode_once_and_read_the_same(items, tmp_path, monkeypatch):
    paths = []

    def counted(path):
        paths.append(path)
        return decode(path)

    monkeypatch.setattr(store, "decode", counted)

    def run(_):
        photos = store.decoded(items, 32, tmp_path / "cache", Silent())
        return [int(photos.pixels[n].sum()) for n in range(len(photos.items))]

    with ThreadPoolExecutor(RUNS) as pool:
        sums = list(pool.map(run, range(RUNS)))

    assert len(paths) == len(items)
    assert all(found == sums[0] for found in sums)
    assert min(sums[0]) > 0


@pytest.mark.parametrize("every", [0, checkpoint.EVERY])
def test_decoding_that_was_stopped_goes_on_to_the_same_bytes(items, tmp_path, monkeypatch, every):
    (tmp_path / "0.png").write_bytes(b"no photo")
    whole = store.decoded(items, 32, tmp_path / "whole", Silent())
    paths = []

    def counted(path, *, until=2):
        paths.append(path.name)
        if len(paths) > until:
            raise KeyboardInterrupt
        return decode(path)

    monkeypatch.setattr(checkpoint, "EVERY", every)
    monkeypatch.setattr(store, "decode", counted)
    with pytest.raises(KeyboardInterrupt):
        store.decoded(items, 32, tmp_path / "again", Silent())
    paths.clear()
    monkeypatch.setattr(store, "decode", partial(counted, until=9))
    again = store.decoded(items, 32, tmp_path / "again", Silent())
    assert paths == (["2.png"] if every == 0 else ["0.png", "1.png", "2.png"])
    assert again.pixels.sha256() == whole.pixels.sha256()
    assert (again.items, again.skipped) == (whole.items, whole.skipped)
    assert [skipped.where for skipped in again.skipped] == ["0.png"]
    names = [sorted(path.name for path in (tmp_path / run).iterdir()) for run in ("whole", "again")]
    assert names[0] == names[1]


@pytest.mark.parametrize("kind", ["u8", "json"])
def test_a_damaged_cache_is_made_again_and_a_line_says_so(items, tmp_path, kind):
    whole, told = store.decoded(items, 32, tmp_path / "cache", Silent()).pixels.sha256(), Told()
    (file,) = (tmp_path / "cache").glob(f"*.{kind}")
    file.write_bytes(file.read_bytes()[:40] + b"5" + file.read_bytes()[41:])
    assert store.decoded(items, 32, tmp_path / "cache", told).pixels.sha256() == whole
    assert [note for note in told.notes if f"{tmp_path}" in note and "damaged" in note]


def test_a_cache_that_cannot_be_made_says_so(items, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file") as caught:
        store.decoded(items, 32, tmp_path / "file" / "cache", Silent())
    assert "UNLEARNABLE_CACHE" in str(caught.value.hint)


def test_a_cache_that_cannot_be_written_is_said_in_a_line(items, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(OutputError, match=r"cannot write .*c.*Read-only") as caught:
        store.decoded(items, 32, tmp_path / "c", Silent())
    assert "UNLEARNABLE_CACHE" in str(caught.value.hint)


def test_photos_are_decoded_again_when_their_content_changes_and_only_then(items, tmp_path, monkeypatch):
    def decoded(items):
        return store.decoded(items, 32, tmp_path / "cache", Silent()).pixels.sha256()

    first, paths = decoded(items), []
    monkeypatch.setattr(store, "decode", lambda path: paths.append(path.name) or decode(path))
    assert decoded([replace(item, captions=("other words",)) for item in items]) == first
    assert paths == []
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(items[0].photo.path)
    assert decoded(items) != first
    assert paths == ["0.png", "1.png", "2.png"]
