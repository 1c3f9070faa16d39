from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from skimage.util import img_as_float

from tests.conftest import picture
from unlearnable.verify.attacks import parse_attack

DENOISERS = ["tv-5", "tv-10", "nlmeans", "wavelet", "bilateral"]


def grain(*shape):
    """Noise of 8, about what is published."""
    return np.random.default_rng(0).choice([-8, 8], shape)


def photo():
    return skimage.data.astronaut()[:250, 100:350]


def distance(one, other):
    return np.sqrt(np.square(one.astype(float) - other).mean())


@pytest.mark.parametrize("deviation", [1, 8, 16])
def test_noise_has_its_deviation_and_no_drift(deviation):
    grey = np.full((200, 200, 3), 128, np.uint8)
    added = parse_attack(f"noise-{deviation}").image(grey).astype(int) - 128
    assert abs(added.std() - deviation) < 0.3
    assert abs(added.mean()) < 0.03 * deviation
    assert np.abs(np.corrcoef(added.reshape(-1, 3).T) - np.eye(3)).max() < 0.02  # each channel has noise of its own


def test_noise_ends_at_black_and_white():
    assert parse_attack("noise-16").image(np.zeros((50, 50, 3), np.uint8)).max() < 100
    assert parse_attack("noise-16").image(np.full((50, 50, 3), 255, np.uint8)).min() > 155


def test_another_photo_gets_other_noise():
    grey, dot = np.full((60, 60, 3), 128, np.uint8), np.full((60, 60, 3), 128, np.uint8)
    dot[0, 0, 0] = 129
    first, second = (parse_attack("noise-8").image(pixels).astype(float).ravel() for pixels in (grey, dot))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


@pytest.mark.parametrize("name", DENOISERS)
def test_denoisers_take_noise_from_a_flat_patch_and_keep_an_edge(name):
    halves = np.full((80, 80, 3), 60, np.uint8)
    halves[:, 40:] = 200
    left = parse_attack(name).image((halves + grain(*halves.shape)).astype(np.uint8)).astype(int)
    assert left[10:70, 5:30].std() < 2
    assert left[10:70, 50:75].std() < 2
    assert (left[10:70, 41] - left[10:70, 38]).mean() > 0.85 * 140
    assert (parse_attack("blur-2").image(halves)[10:70, 41].astype(int) - 60).mean() < 0.85 * 140  # a blur does not


@pytest.mark.parametrize("name", ["tv-5", "nlmeans", "wavelet", "bilateral"])
def test_denoisers_come_nearer_to_the_photo_without_the_noise(name):
    noisy = np.clip(photo() + grain(*photo().shape), 0, 255).astype(np.uint8)
    assert distance(parse_attack(name).image(noisy), photo()) < 0.9 * distance(noisy, photo())


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (90, 120, 30)])
def test_denoisers_leave_flat_photos(name, colour):
    flat = np.full((40, 30, 3), colour, np.uint8)
    assert np.array_equal(parse_attack(name).image(flat), flat)


@pytest.mark.parametrize("name", ["nlmeans", "wavelet"])
def test_drawings_without_noise_to_be_estimated_stay_as_they_are(name):
    box = np.full((64, 64, 3), 255, np.uint8)
    box[10:30, 8:40] = (200, 0, 0)
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 60, axis=0) * np.array([2, 1, 0], np.uint8)
    for drawing in (box, ramp, ramp.transpose(1, 0, 2).copy()):
        assert np.abs(parse_attack(name).image(drawing).astype(int) - drawing).max() <= 1


@pytest.mark.parametrize("name", DENOISERS)
def test_denoisers_take_photos_with_flat_channels_and_of_any_size(name):
    red = picture(1, 60, 50) * np.array([1, 0, 0], np.uint8)
    assert parse_attack(name).image(red)[..., 0].std() > 10
    for shape in [(1, 1), (2, 2), (1, 40), (40, 2), (15, 16)]:
        assert parse_attack(name).image(picture(1, *shape)).shape == (*shape, 3)


def test_total_variation_falls_with_the_weight():
    def variation(pixels):
        return sum(np.abs(np.diff(pixels.astype(int), axis=axis)).sum() for axis in (0, 1))

    smooth = [variation(parse_attack(f"tv-{weight}").image(photo())) for weight in (2, 5, 10, 30)]
    assert variation(photo()) > smooth[0] > smooth[1] > smooth[2] > smooth[3]


def test_non_local_means_follow_the_noise():
    """A photo without noise to speak of is hardly changed."""
    clean = img_as_float(picture(3, 120, 160))
    assert distance(parse_attack("nlmeans").image(picture(3, 120, 160)), clean * 255) < 0.5


def test_rotate_keeps_the_centre_and_moves_the_rest_to_the_left():
    dots = np.zeros((101, 101, 3), np.uint8)
    dots[49:52, 49:52] = 255
    dots[49:52, 89:92] = 255  # 40 pixels to the right of the centre
    turned = parse_attack("rotate-90").image(dots)
    assert turned[50, 50].min() > 250
    assert turned[10, 50].min() > 250
    assert turned[50, 90].max() < 5
    slightly = parse_attack("rotate-5").image(dots)
    assert slightly[50, 50].min() > 250
    assert slightly[50 - round(40 * np.sin(np.radians(5))), 90].min() > 200


def test_rotate_has_no_black_corners_and_a_full_half_turn_is_exact():
    grey = np.full((50, 120, 3), 130, np.uint8)
    assert np.array_equal(parse_attack("rotate-5").image(grey), grey)
    assert np.abs(parse_attack("rotate-180").image(photo()).astype(int) - photo()[::-1, ::-1]).max() <= 1
