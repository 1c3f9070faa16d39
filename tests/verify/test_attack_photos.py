"""What each attack on photos takes away and what it leaves."""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

from tests.conftest import picture
from unlearnable.errors import InputError
from unlearnable.verify.attacks import parse_attack

DENOISERS = ["tv-5", "tv-10", "nlmeans", "wavelet", "bilateral"]


def attacked(name, pixels):
    return parse_attack(name).image(pixels)


def noisy(pixels):
    """Pixels with noise of 8 on them, about what is published."""
    return np.clip(pixels + np.random.default_rng(0).choice([-8, 8], pixels.shape), 0, 255).astype(np.uint8)


def away(name, pixels):
    return np.abs(attacked(name, pixels).astype(int) - pixels).mean()


def distance(one, other):
    return np.sqrt(np.square(one.astype(float) - other).mean())


GRAINY = noisy(picture(5, 200, 300))
PHOTO = skimage.data.astronaut()[:250, 100:350]


def test_png_changes_nothing():
    assert np.array_equal(attacked("png", GRAINY), GRAINY)


def test_the_worse_the_quality_the_further_away():
    for names in (
        ["jpeg-95", "jpeg-75", "jpeg-10"],
        ["webp-95", "webp-50", "webp-5"],
        ["avif-95", "avif-60", "avif-5"],
    ):
        first, second, third = (away(name, GRAINY) for name in names)
        assert 0 < first < second < third


def test_jpeg_is_what_pillow_writes_by_default():
    file = io.BytesIO()
    Image.fromarray(GRAINY).save(file, "JPEG")  # quality 75, 4:2:0
    assert np.array_equal(attacked("jpeg-75", GRAINY), np.asarray(Image.open(file)))


def test_a_photo_too_large_for_a_format_is_named():
    with pytest.raises(InputError, match="a photo of 17000 x 1 cannot be saved as WEBP") as caught:
        attacked("webp-80", np.zeros((1, 17_000, 3), np.uint8))
    assert caught.value.hint


def test_grayscale_has_equal_channels_and_keeps_greys():
    grey = attacked("grayscale", GRAINY)
    assert (grey == grey[..., :1]).all()
    assert np.array_equal(attacked("grayscale", grey), grey)
    colours = np.uint8(255) * np.eye(3, dtype=np.uint8)
    red, green, blue = (attacked("grayscale", colours[None, [n]]).max() for n in range(3))
    assert blue < red < green


@pytest.mark.parametrize("name", ["blur-1", "blur-2", "median-3", "median-5"])
def test_smoothing_takes_noise_away_and_leaves_flat_areas(name):
    flat = np.full((50, 50, 3), 100, np.uint8)
    assert np.array_equal(attacked(name, flat), flat)
    rough = (flat + np.random.default_rng(0).integers(-8, 9, flat.shape)).astype(np.uint8)
    assert attacked(name, rough).std() < 0.6 * rough.std()


@pytest.mark.parametrize("depth", [1, 4, 6, 8])
def test_bits_keep_the_high_bits_and_lie_in_the_middle(depth):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    changed = attacked(f"bits-{depth}", ramp)
    assert len(np.unique(changed)) == 2**depth
    assert np.array_equal(changed >> (8 - depth), ramp >> (8 - depth))
    assert np.abs(changed.astype(int) - ramp).max() == (1 << (8 - depth)) // 2


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("resize-224", (500, 375), (299, 224)),
        ("resize-512", (500, 375), (500, 375)),
        ("resize-1", (300, 3), (100, 1)),
        ("social-1080", (1200, 2160), (600, 1080)),
        ("social-1080", (1080, 20), (1080, 20)),
        ("social-10", (3, 4000), (1, 10)),
    ],
)
def test_photos_are_reduced_and_never_enlarged(name, shape, wanted):
    assert attacked(name, picture(1, *shape)).shape[:2] == wanted


def striped(height, width):
    stripes = np.zeros((height, width, 3), np.uint8)
    stripes[::2] = 200
    return stripes


@pytest.mark.parametrize("name", ["resize-22", "social-30"])
def test_photos_are_reduced_without_aliasing(name):
    seen = attacked(name, striped(600, 800))
    middle = seen[len(seen) // 2 - 4 : len(seen) // 2 + 4, 4:-4]
    assert middle.std() < 10
    assert 90 < middle.mean() < 110


def test_down_and_up_keeps_the_size_and_loses_what_is_fine():
    assert attacked("downup-50", striped(60, 80))[10:50].std() < 10
    assert away("downup-50", picture(1, 120, 160)) < 1
    assert 0 < away("downup-50", GRAINY) < away("downup-25", GRAINY)
    for shape in [(1, 1), (3, 2), (101, 7)]:
        assert attacked("downup-25", picture(1, *shape)).shape == (*shape, 3)


def test_sharpen_puts_more_at_edges_and_leaves_flat_areas():
    halves = np.full((40, 40, 3), 100, np.uint8)
    halves[:, 20:] = 150
    sharp = attacked("sharpen-150", halves)
    assert (sharp[:, :10] == 100).all()
    assert (sharp[:, 19] < 80).all()
    assert (sharp[:, 20] > 170).all()
    assert (attacked("sharpen-300", halves)[:, 20] > sharp[:, 20]).all()


@pytest.mark.parametrize(("height", "width"), [(300, 400), (30, 40), (256, 256), (1, 1), (2, 3000)])
def test_img2dataset_is_a_square_with_a_white_border(height, width):
    square = attacked("img2dataset", np.zeros((height, width, 3), np.uint8)).astype(int)
    assert square.shape == (256, 256, 3)
    rows, columns = (max(1, round(size * 256 / max(height, width))) for size in (height, width))
    top, left = (256 - rows) // 2, (256 - columns) // 2
    inside = np.zeros((256, 256), bool)
    inside[top : top + rows, left : left + columns] = True
    assert square[inside].mean() < 60  # JPEG blurs edges
    assert inside.all() or square[~inside].mean() > 195


@pytest.mark.parametrize("size", [512, 384])
def test_img2dataset_reduces_by_the_mean_of_the_area(size):
    """Of 384 pixels each new one is a whole old one and half of its neighbour."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    halves = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1).reshape(256, size // 128, 256, size // 128, 3)
    means = (halves.astype(float).mean((1, 3)) + 0.5).astype(np.uint8)
    assert np.array_equal(attacked("img2dataset", pixels), attacked("jpeg-95", means))


def test_img2dataset_leaves_256_as_it_is_and_enlarges_what_is_smaller():
    same, small = picture(1, 256, 256), picture(1, 64, 64)
    large = np.asarray(Image.fromarray(small).resize((256, 256), Image.Resampling.LANCZOS))
    assert np.array_equal(attacked("img2dataset", same), attacked("jpeg-95", same))
    assert np.array_equal(attacked("img2dataset", small), attacked("jpeg-95", large))


@pytest.mark.parametrize("deviation", [1, 16])
def test_noise_has_its_deviation_and_no_drift(deviation):
    grey = np.full((200, 200, 3), 128, np.uint8)
    added = attacked(f"noise-{deviation}", grey).astype(int) - 128
    assert abs(added.std() - deviation) < 0.3
    assert abs(added.mean()) < 0.03 * deviation
    assert np.abs(np.corrcoef(added.reshape(-1, 3).T) - np.eye(3)).max() < 0.02  # each channel has noise of its own
    assert attacked("noise-16", np.zeros((50, 50, 3), np.uint8)).max() < 100  # it ends at black


def test_another_photo_gets_other_noise():
    grey = np.full((60, 60, 3), 128, np.uint8)
    dot = grey.copy()
    dot[0, 0, 0] = 129
    first, second = (attacked("noise-8", pixels).astype(float).ravel() for pixels in (grey, dot))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


@pytest.mark.parametrize("name", DENOISERS)
def test_denoisers_take_noise_from_a_flat_patch_and_keep_an_edge(name):
    halves = np.full((80, 80, 3), 60, np.uint8)
    halves[:, 40:] = 200
    left = attacked(name, noisy(halves)).astype(int)
    assert left[10:70, 5:30].std() < 2
    assert left[10:70, 50:75].std() < 2
    assert (left[10:70, 41] - left[10:70, 38]).mean() > 0.85 * 140
    assert (attacked("blur-2", halves)[10:70, 41].astype(int) - 60).mean() < 0.85 * 140  # a blur does not


@pytest.mark.parametrize("name", ["tv-5", "nlmeans", "wavelet", "bilateral"])
def test_denoisers_come_nearer_to_the_photo_without_the_noise(name):
    assert distance(attacked(name, noisy(PHOTO)), PHOTO) < 0.9 * distance(noisy(PHOTO), PHOTO)


@pytest.mark.parametrize("name", DENOISERS)
def test_denoisers_leave_flat_photos_and_take_any_size(name):
    for colour in [(0, 0, 0), (255, 0, 0), (90, 120, 30)]:
        flat = np.full((40, 30, 3), colour, np.uint8)
        assert np.array_equal(attacked(name, flat), flat)
    red = picture(1, 60, 50) * np.array([1, 0, 0], np.uint8)
    assert attacked(name, red)[..., 0].std() > 10
    for shape in [(1, 1), (1, 40), (15, 16)]:
        assert attacked(name, picture(1, *shape)).shape == (*shape, 3)


@pytest.mark.parametrize("name", ["nlmeans", "wavelet"])
def test_drawings_without_noise_to_be_estimated_stay_as_they_are(name):
    box = np.full((64, 64, 3), 255, np.uint8)
    box[10:30, 8:40] = (200, 0, 0)
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 60, axis=0) * np.array([2, 1, 0], np.uint8)
    for drawing in (box, ramp, ramp.transpose(1, 0, 2).copy()):
        assert np.abs(attacked(name, drawing).astype(int) - drawing).max() <= 1


def test_total_variation_falls_with_the_weight():
    def variation(pixels):
        return sum(np.abs(np.diff(pixels.astype(int), axis=axis)).sum() for axis in (0, 1))

    smooth = [variation(attacked(f"tv-{weight}", PHOTO)) for weight in (2, 10, 30)]
    assert variation(PHOTO) > smooth[0] > smooth[1] > smooth[2]


def test_rotate_keeps_the_centre_moves_the_rest_to_the_left_and_has_no_black_corners():
    dots = np.zeros((101, 101, 3), np.uint8)
    dots[49:52, 49:52] = 255
    dots[49:52, 89:92] = 255  # 40 pixels to the right of the centre
    turned = attacked("rotate-90", dots)
    assert min(turned[50, 50].min(), turned[10, 50].min()) > 250
    assert turned[50, 90].max() < 5
    slightly = attacked("rotate-5", dots)
    assert slightly[50 - round(40 * np.sin(np.radians(5))), 90].min() > 200
    grey = np.full((50, 120, 3), 130, np.uint8)
    assert np.array_equal(attacked("rotate-5", grey), grey)
    assert np.abs(attacked("rotate-180", PHOTO).astype(int) - PHOTO[::-1, ::-1]).max() <= 1
