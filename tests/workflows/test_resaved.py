"""Protected copies that were saved again are known by their noise; no original is taken for its copy."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Told, picture
from unlearnable import protect
from unlearnable.errors import InputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.duplicates import differing_bits, perceptual_hash
from unlearnable.workflows import history
from unlearnable.workflows.protect.preparing.resaved import carried, without_noise


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    for n in range(3):
        Image.fromarray(picture(n, 192, 256)).save(folder / f"p{n}.png")
    return folder


def saved_again(path, target, size=None, **options):
    image = Image.open(path)
    (image.resize(size) if size else image).save(target, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("again.jpg", {"quality": 75}),
        ("again.webp", {"quality": 80}),
        ("small.jpg", {"quality": 75, "size": (128, 96)}),
        ("same.png", {}),
    ],
)
def test_a_copy_that_was_saved_again_is_not_protected_twice(photos, at_once, tmp_path, name, options):
    protect(photos, **at_once)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    saved_again(tmp_path / "large-protected" / "p1.png", downloads / name, **options)
    Image.fromarray(picture(9, 192, 256)).save(downloads / "other.png")
    report = protect(downloads, **at_once)
    [skipped] = report.skipped
    assert (skipped.where, skipped.reason) == (name, "already-protected")
    made = history.known_copies(print)[0].made
    assert skipped.detail == (
        f"looks like a copy that this tool made on {made}: it carries the noise of p1.png; protect the original instead"
    )
    assert report.protected == 1


@pytest.mark.parametrize("options", [{"quality": 95}, {"quality": 60}, {"quality": 75, "size": (128, 96)}])
def test_another_version_of_the_original_is_protected(photos, at_once, tmp_path, options):
    protect(photos, **at_once)
    versions = tmp_path / "versions"
    versions.mkdir()
    for n in range(3):
        saved_again(photos / f"p{n}.png", versions / f"p{n}.jpg", **options)
    report = protect(versions, **at_once)
    assert (report.protected, report.skipped) == (3, [])


def test_what_an_encoding_does_to_a_photo_is_not_taken_for_noise(tmp_path):
    draw = np.random.default_rng(1)
    photo = np.clip(picture(0, 96, 128) + draw.integers(-25, 26, (96, 128, 3)), 0, 255).astype(np.uint8)
    noise = draw.integers(-6, 7, (12, 16, 3)).repeat(8, 0).repeat(8, 1)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(np.clip(photo + noise, 0, 255).astype(np.uint8)).save(tmp_path / "copy.jpg", quality=85)
    original, copy = decode(tmp_path / "photo.png"), decode(tmp_path / "copy.jpg")
    clean = without_noise(original, copy)
    for quality in (50, 75):
        saved_again(tmp_path / "photo.png", tmp_path / "version.jpg", quality=quality)
        saved_again(tmp_path / "copy.jpg", tmp_path / "again.jpg", quality=quality)
        version, again = (decode(tmp_path / name).pixels for name in ("version.jpg", "again.jpg"))
        found = [carried(version, clean, copy.pixels), carried(again, clean, copy.pixels)]
        assert [one and one.is_enough for one in found] == [False, True]
        biased = carried(version, original.pixels, copy.pixels)
        assert biased is not None
        assert biased.is_enough  # which is why the original goes through the same encoding


def test_originals_are_protected_again_with_other_settings_and_nothing_is_said(photos, at_once, told):
    protect(photos, **at_once)
    report = protect(photos, overwrite=True, seed=3, progress=told, **at_once)
    assert (report.protected, report.skipped) == (3, [])
    assert not [note for note in told.notes if "may be a copy" in note]


@pytest.fixture
def told():
    return Told()


@pytest.mark.parametrize("gone", ["original", "copy"])
def test_without_the_files_to_compare_with_it_is_protected_and_that_is_said(photos, at_once, tmp_path, told, gone):
    protect(photos, **at_once)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    saved_again(tmp_path / "large-protected" / "p1.png", downloads / "again.jpg", quality=90)
    shutil.rmtree({"original": photos, "copy": tmp_path / "large-protected"}[gone])
    report = protect(downloads, progress=told, **at_once)
    assert (report.protected, report.skipped) == (1, [])
    assert [note for note in told.notes if note.startswith("again.jpg may be a copy that this tool protected")]


def test_where_all_are_copies_the_run_says_so(photos, at_once, tmp_path):
    protect(photos, **at_once)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    saved_again(tmp_path / "large-protected" / "p1.png", downloads / "again.jpg", quality=90)
    with pytest.raises(InputError, match="looks like a copy that this tool made"):
        protect(downloads, **at_once)


def test_the_manifest_and_the_history_hold_what_is_needed(photos, at_once, tmp_path):
    protect(photos, **at_once)
    lines = (tmp_path / "large-protected.private" / "manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    copies = {copy.sha256: copy for copy in history.known_copies(print)}
    for row in rows:
        pixels = np.asarray(Image.open(tmp_path / "large-protected" / row["output"]))
        copy = copies[row["sha256_out"]]
        assert row["perceptual_hash"] == copy.perceptual_hash == perceptual_hash(pixels)
        assert (copy.path, copy.original) == (tmp_path / "large-protected" / row["output"], photos / row["source"])
        assert copy.original_sha256 == row["sha256_in"]


def test_lines_of_the_history_that_cannot_be_read_are_no_copies(state_folder):
    whole = dict.fromkeys(history.MadeCopy._fields, "x")  # which is no hash
    (state_folder / history.COPIES).write_text(f'{{"sha256": "a"}}\nno json\n[]\n{json.dumps(whole)}\n')
    assert history.known_copies(print) == []


def test_hashes_of_different_photos_are_far_apart_and_of_a_photo_saved_again_near(tmp_path):
    codes = [perceptual_hash(picture(n, 96, 128)) for n in range(8)]
    assert min(differing_bits(a, b) for n, a in enumerate(codes) for b in codes[:n]) > 8
    assert differing_bits(codes[0], perceptual_hash(picture(0, 192, 256))) <= 8


def test_a_cropped_photo_does_not_lie_on_its_original():
    one = picture(0, 96, 128)
    assert carried(one[:, 8:], one, one) is None
    assert carried(one, one, one) is not None
