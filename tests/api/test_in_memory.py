"""Posts in memory: what comes back is of the kind that was given, within the bound, and the same every time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from tests.presets import preset
from unlearnable import ConfigError, ImageProtector, InputError, ModelError, protect_images
from unlearnable.imaging.decode import MODES, like, pixels_of

QUICK: dict[str, Any] = {"preset": preset(max_rounds=3)}
CAPTIONS = ["anna at the lake", "anna in the city", "two dogs", "a cup of tea"]


def photo(number: int, shape: tuple[int, ...] = (40, 56, 3)) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def cut_off() -> Image.Image:
    """A photo whose file ends too early, which shows when it is read."""
    file = io.BytesIO()
    Image.fromarray(photo(0, (400, 400, 3))).save(file, "JPEG")
    return Image.open(io.BytesIO(file.getvalue()[:30_000]))


@pytest.fixture
def quick(tiny_path) -> dict[str, Any]:
    return {**QUICK, "surrogate": str(tiny_path)}


def test_photos_get_noise_within_the_bound_and_captions_three_words(quick):
    images: list[Any] = [
        photo(0),
        Image.fromarray(photo(1)),
        Image.fromarray(photo(2)).convert("L"),
        photo(3, (48, 40)),
    ]
    posts = protect_images(images, CAPTIONS, epsilon=4, seed=1, **quick)  # some seeds protect too little to be kept
    assert len(posts) == 4
    for before, (after, text), caption in zip(images, posts, CAPTIONS, strict=True):
        assert type(after) is Image.Image if isinstance(before, Image.Image) else isinstance(after, np.ndarray)
        assert np.asarray(after).shape == np.asarray(before).shape
        change = np.abs(np.asarray(after).astype(int) - np.asarray(before).astype(int))
        assert 0 < change.max() <= 4
        assert text.endswith(caption)
        assert len(text.split()) == len(caption.split()) + 3


def test_a_photo_that_is_given_twice_gets_one_noise_and_one_trigger(quick):
    images = [photo(0), photo(1), photo(2), photo(0)]
    (first, text), _, _, (second, again) = protect_images(images, CAPTIONS, epsilon=4, seed=1, **quick)
    assert np.array_equal(first, second)
    assert text.removesuffix(CAPTIONS[0]) == again.removesuffix(CAPTIONS[3])


def test_a_protector_gives_what_single_calls_give_and_leaves_what_it_was_given(quick):
    images = [photo(number) for number in range(4)]
    kept = [image.copy() for image in images]
    protector = ImageProtector(**quick)
    first, second = (protector.protect(images, CAPTIONS) for _ in range(2))
    alone = protect_images(images, CAPTIONS, **quick)
    for one, other, third in zip(first, second, alone, strict=True):
        assert np.array_equal(np.asarray(one.image), np.asarray(other.image))
        assert np.array_equal(np.asarray(one.image), np.asarray(third.image))
        assert one.caption == other.caption == third.caption
    assert all(map(np.array_equal, images, kept))


@given(st.sampled_from(MODES), st.integers(16, 40), st.integers(16, 40))
def test_every_kind_of_picture_comes_back_as_itself(mode: str, height: int, width: int):
    image = Image.fromarray(photo(height, (height, width, 3))).convert("RGB" if mode in ("LA", "PA", "RGBX") else mode)
    image = image.convert(mode) if mode != "PA" else image.convert("P").convert("PA")
    back = like(image, pixels_of(image, "it"))
    assert isinstance(back, Image.Image)
    assert back.size == image.size
    assert np.array_equal(np.asarray(back.convert("RGBA")), np.asarray(image.convert("RGBA")))


def test_transparency_stays_and_photos_come_back_upright():
    image = Image.fromarray(photo(0, (20, 30, 4)), "RGBA")
    image.getexif()[274] = 6  # turned by a quarter
    back = like(image, pixels_of(image, "it"))
    assert isinstance(back, Image.Image)
    assert back.size == (20, 30)
    assert np.array_equal(np.asarray(back), np.rot90(np.asarray(image), -1))
    array = photo(0, (20, 30, 4))
    assert np.array_equal(np.asarray(like(array, pixels_of(array, "it"))), array)


@pytest.mark.parametrize(
    ("images", "captions", "message"),
    [
        ([photo(0)], [], "1 photo and 0 captions"),
        ([photo(0), photo(1).astype(float)], ["a", "b"], r"images\[1\] is an array of float64, \(40, 56, 3\)"),
        ([photo(0, (40, 40, 2))], ["a"], r"images\[0\] is an array of uint8, \(40, 40, 2\)"),
        ([Image.new("F", (40, 40))], ["a"], r"images\[0\] is a picture of mode F"),
        ([photo(0, (8, 40, 3))], ["a"], r"images\[0\] is too small: 40 x 8"),
        ([photo(0), Path("b.jpg")], ["a", "b"], r"images\[1\] is a path, b.jpg; this takes"),
        ("a.jpg", list("abcde"), "have to be lists"),
        ([cut_off()], ["a"], r"images\[0\] cannot be read: image file is truncated"),
        ([photo(0)], "a", "have to be lists"),
        ([photo(0), photo(1)], ["a", ["b", "c"]], "captions have to be texts"),
    ],
)
def test_what_is_no_post_is_named(quick, images, captions, message):
    with pytest.raises(InputError, match=message):
        protect_images(images, captions, **quick)


def test_what_would_not_protect_is_an_error(quick):
    little = {"preset": preset(max_rounds=1, surrogate_steps=0, noise_steps=1, trigger_rounds=0)}
    with pytest.raises(ModelError, match="would hardly be protected: tiny has a loss of") as caught:
        protect_images([photo(n) for n in range(4)], CAPTIONS, **{**quick, **little})
    assert "`preset='balanced'`" in (caught.value.hint or "")
    with pytest.raises(ConfigError, match="there is no setting 'photos'"):
        ImageProtector(photos="here")
