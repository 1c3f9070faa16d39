"""Thumbnails, galleries and the preview sheet."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from unlearnable.imaging.picture import Picture
from unlearnable.report import pictures
from unlearnable.report.pictures import (
    LINE,
    MARGIN,
    SHEET,
    THUMBNAIL,
    ShownPhotos,
    amplified,
    opaque,
    sheet,
    thumbnails,
)


def made(pixels, alpha=None):
    return Picture(pixels, alpha, None, None, "PNG")


def pair(height=48, width=64):
    before = picture(1, height, width)
    noise = np.random.default_rng(0).integers(-8, 9, before.shape)
    return made(before), made(np.clip(before + noise, 0, 255).astype(np.uint8))


def opened(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))


def test_noise_is_ten_times_as_strong_around_grey():
    before, after = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 108, np.uint8)
    assert (amplified(before, after) == 208).all()
    assert (amplified(after, before) == 48).all()
    assert (amplified(before, before) == 128).all()


@pytest.mark.parametrize(("height", "width"), [(48, 64), (700, 400), (3, 2000)])
def test_thumbnails_are_small_and_of_one_size(height, width):
    found = thumbnails(*pair(height, width))
    for uri in (found.before, found.after, found.noise):
        with opened(uri) as image:
            assert image.size == (found.width, found.height)
    assert max(found.width, found.height) == min(THUMBNAIL, max(height, width))
    assert len(found.before) < 60_000


def test_what_is_transparent_is_not_shown():
    before, _ = pair()
    hidden = dataclasses.replace(before, alpha=np.zeros(before.pixels.shape[:2], np.uint8))
    assert (np.asarray(opaque(hidden)) == 255).all()
    assert np.array_equal(np.asarray(opaque(before)), before.pixels)


def test_the_sheet_has_original_copy_and_noise_side_by_side():
    before, after = pair(150, 200)
    pixels = np.asarray(sheet(before, after))
    step = 200 + MARGIN
    for number, wanted in enumerate((before.pixels, after.pixels, amplified(before.pixels, after.pixels))):
        left, top = MARGIN + number * step, MARGIN + LINE
        assert np.array_equal(pixels[top : top + 150, left : left + 200], wanted)
        assert pixels[:top, left : left + 100].min() < 100  # the title
    assert sheet(*pair(100, 2 * SHEET)).width < 3 * SHEET + 100


def test_a_gallery_has_the_photos_in_which_most_is_seen_and_is_small_whatever_is_in_it(monkeypatch):
    one, flips = thumbnails(*pair()), [n / 300 for n in range(300)]
    shown = ShownPhotos()
    for flip in sorted(flips, key=lambda flip: flip * 7 % 1):
        if shown.wants(flip):
            shown.add(f"{flip}", flip, one)
    assert list(shown.thumbnails) == [f"{flip}" for flip in sorted(flips, reverse=True)[: pictures.SHOWN]]
    assert not shown.wants(0.5)
    monkeypatch.setattr(pictures, "BYTES", 2 * one.size)
    tight = ShownPhotos()
    for flip in flips[:9]:
        tight.add(f"{flip}", flip, one)
    assert list(tight.thumbnails) == [f"{flips[8]}", f"{flips[7]}"]
