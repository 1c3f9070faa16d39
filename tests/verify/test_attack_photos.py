from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, features

from tests.conftest import picture
from unlearnable.errors import ConfigError, InputError
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.attacks.base import AttackFamily, on_photos


def noisy(height=200, width=300):
    """A picture with noise of 8 on it, about what is published."""
    signs = np.random.default_rng(0).choice([-8, 8], (height, width, 3))
    return np.clip(picture(5, height, width) + signs, 0, 255).astype(np.uint8)


def away(name, pixels):
    return np.abs(parse_attack(name).image(pixels).astype(int) - pixels).mean()


def test_png_changes_nothing():
    assert np.array_equal(parse_attack("png").image(noisy()), noisy())


def test_the_worse_the_quality_the_further_away():
    pixels = noisy()
    assert 0 < away("jpeg-95", pixels) < away("jpeg-75", pixels) < away("jpeg-50", pixels) < away("jpeg-10", pixels)
    assert 0 < away("webp-95", pixels) < away("webp-50", pixels) < away("webp-5", pixels)
    assert 0 < away("avif-95", pixels) < away("avif-60", pixels) < away("avif-5", pixels)


def test_jpeg_is_what_pillow_writes_by_default():
    file = io.BytesIO()
    Image.fromarray(noisy()).save(file, "JPEG")  # quality 75, 4:2:0
    assert np.array_equal(parse_attack("jpeg-75").image(noisy()), np.asarray(Image.open(file)))


def test_without_avif_in_pillow_it_says_so_at_once(monkeypatch):
    monkeypatch.setattr(features, "check", lambda feature: feature != "avif")
    with pytest.raises(ConfigError, match="avif-60: this Pillow writes no AVIF") as caught:
        parse_attack("avif-60")
    assert caught.value.hint


@pytest.mark.parametrize(("name", "width"), [("webp-80", 20_000), ("avif-60", 40_000), ("avif-60", 70_000)])
def test_a_photo_too_large_for_the_format_says_so(name, width):
    message = f"{width} x 1 cannot be saved as {name.split('-')[0].upper()}"
    with pytest.raises(InputError, match=message) as caught:
        parse_attack(name).image(np.zeros((1, width, 3), np.uint8))
    assert caught.value.hint


def test_what_is_saved_may_be_as_large_as_a_photo(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # as 89 megapixels are to the photos of some phones
    assert parse_attack("jpeg-75").image(picture(0)).shape == picture(0).shape


def test_grayscale_has_equal_channels_and_keeps_greys():
    grey = parse_attack("grayscale").image(noisy())
    assert (grey == grey[..., :1]).all()
    assert np.array_equal(parse_attack("grayscale").image(grey), grey)
    red, green, blue = (
        parse_attack("grayscale").image(np.uint8(255) * np.eye(3, dtype=np.uint8)[None, [n]]) for n in range(3)
    )
    assert blue.max() < red.max() < green.max()


@pytest.mark.parametrize("name", ["blur-1", "blur-2", "median-3", "median-5"])
def test_smoothing_takes_noise_away_and_leaves_flat_areas(name):
    flat = np.full((50, 50, 3), 100, np.uint8)
    assert np.array_equal(parse_attack(name).image(flat), flat)
    rough = (flat + np.random.default_rng(0).integers(-8, 9, flat.shape)).astype(np.uint8)
    assert parse_attack(name).image(rough).std() < 0.6 * rough.std()


def test_a_median_forgets_a_single_pixel():
    dot = np.zeros((9, 9, 3), np.uint8)
    dot[4, 4] = 255
    assert parse_attack("median-3").image(dot).max() == 0
    assert parse_attack("blur-1").image(dot).max() > 0


@pytest.mark.parametrize("depth", range(1, 9))
def test_bits_keep_the_high_bits_and_lie_in_the_middle(depth):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    changed = parse_attack(f"bits-{depth}").image(ramp)
    assert len(np.unique(changed)) == 2**depth
    assert np.array_equal(changed >> (8 - depth), ramp >> (8 - depth))
    assert np.abs(changed.astype(int) - ramp).max() == (1 << (8 - depth)) // 2


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("resize-224", (500, 375), (299, 224)),
        ("resize-224", (375, 500), (224, 299)),
        ("resize-512", (500, 375), (500, 375)),
        ("resize-1", (300, 3), (100, 1)),
        ("social-1080", (1200, 2160), (600, 1080)),
        ("social-1080", (1080, 20), (1080, 20)),
        ("social-10", (3, 4000), (1, 10)),
    ],
)
def test_photos_are_reduced_and_never_enlarged(name, shape, wanted):
    assert parse_attack(name).image(picture(1, *shape)).shape[:2] == wanted


def test_photos_that_are_small_enough_keep_their_pixels():
    assert np.array_equal(parse_attack("resize-512").image(noisy()), noisy())
    assert np.array_equal(parse_attack("social-1080").image(noisy()), parse_attack("jpeg-80").image(noisy()))


@pytest.mark.parametrize("name", ["resize-22", "social-30"])
def test_photos_are_reduced_without_aliasing(name):
    stripes = np.zeros((600, 800, 3), np.uint8)
    stripes[::2] = 200
    seen = parse_attack(name).image(stripes)
    middle = seen[len(seen) // 2 - 4 : len(seen) // 2 + 4, 4:-4]
    assert middle.std() < 10
    assert 90 < middle.mean() < 110


def test_down_and_up_keeps_the_size_and_loses_what_is_fine():
    stripes = np.zeros((60, 80, 3), np.uint8)
    stripes[::2] = 200
    assert parse_attack("downup-50").image(stripes)[10:50].std() < 10
    large = picture(1, 120, 160)
    assert np.abs(parse_attack("downup-50").image(large).astype(int) - large).mean() < 1
    assert 0 < away("downup-50", noisy()) < away("downup-25", noisy())
    for shape in [(1, 1), (3, 2), (101, 7)]:
        assert parse_attack("downup-25").image(picture(1, *shape)).shape == (*shape, 3)


def test_sharpen_puts_more_at_edges_and_leaves_flat_areas():
    halves = np.full((40, 40, 3), 100, np.uint8)
    halves[:, 20:] = 150
    sharp = parse_attack("sharpen-150").image(halves)
    assert (sharp[:, :10] == 100).all()
    assert (sharp[:, 30:] == 150).all()
    assert (sharp[:, 19] < 80).all()
    assert (sharp[:, 20] > 170).all()
    assert (parse_attack("sharpen-300").image(halves)[:, 20] > sharp[:, 20]).all()


@pytest.mark.parametrize(("height", "width"), [(300, 400), (400, 300), (30, 40), (256, 256), (1, 1), (2, 3000)])
def test_img2dataset_is_a_square_with_a_white_border(height, width):
    square = parse_attack("img2dataset").image(np.zeros((height, width, 3), np.uint8)).astype(int)
    assert square.shape == (256, 256, 3)
    rows, columns = (max(1, round(size * 256 / max(height, width))) for size in (height, width))
    top, left = (256 - rows) // 2, (256 - columns) // 2
    inside = np.zeros((256, 256), bool)
    inside[top : top + rows, left : left + columns] = True
    assert square[inside].mean() < 60
    assert inside.all() or square[~inside].mean() > 195
    if min(rows, columns) > 16:  # JPEG blurs edges: of a strip a pixel wide only the mean can be told
        assert square[inside].max() < 60
        assert square[~inside].min(initial=255) > 195


def test_img2dataset_reduces_by_the_mean_of_the_area():
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    means = (pixels.reshape(256, 2, 256, 2, 3).astype(float).mean((1, 3)) + 0.5).astype(np.uint8)
    assert np.array_equal(parse_attack("img2dataset").image(pixels), parse_attack("jpeg-95").image(means))


def test_img2dataset_shares_pixels_between_areas():
    """384 pixels to 256: each new one is a whole old one and half of its neighbour."""
    pixels = np.random.default_rng(0).integers(0, 256, (384, 384, 3), dtype=np.uint8)
    halves = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1).reshape(256, 3, 256, 3, 3)
    means = (halves.astype(float).mean((1, 3)) + 0.5).astype(np.uint8)
    assert np.array_equal(parse_attack("img2dataset").image(pixels), parse_attack("jpeg-95").image(means))


def test_img2dataset_leaves_256_as_it_is_and_enlarges_what_is_smaller():
    assert np.array_equal(
        parse_attack("img2dataset").image(picture(1, 256, 256)), parse_attack("jpeg-95").image(picture(1, 256, 256))
    )
    large = np.asarray(Image.fromarray(picture(1, 64, 64)).resize((256, 256), Image.Resampling.LANCZOS))
    assert np.array_equal(parse_attack("img2dataset").image(picture(1, 64, 64)), parse_attack("jpeg-95").image(large))


def test_a_package_that_writes_to_the_photo_changes_what_no_other_attack_sees():
    def blackened(pixels, _):
        pixels[:] = 0
        return pixels

    before = picture(0)
    after = AttackFamily(on_photos(blackened)).make("theirs", 0).image(before)
    assert not after.any()
    assert np.array_equal(before, picture(0))
    assert after is not before  # by which a benchmark knows that nothing changed
