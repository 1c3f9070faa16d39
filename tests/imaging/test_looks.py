"""Looks: the same for the same seed, far apart, and gentle to black, white, greys and skin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from skimage.color import rgb2hsv

from tests.conftest import picture
from unlearnable.imaging import looks as made
from unlearnable.imaging.looks import PLAIN, SKIN, SKIN_TURNS, STRENGTH, draw_looks, in_look, looks_of, tint_of

KINDS = sorted(STRENGTH)
TINTS = st.tuples(*[st.floats(-2, 2)] * 4)


@pytest.mark.parametrize("kind", KINDS)
def test_more_people_leave_the_looks_of_the_first_as_they_are(kind):
    assert draw_looks(kind, 40, 3)[:5] == draw_looks(kind, 5, 3)
    assert draw_looks(kind, 5, 3) != draw_looks(kind, 5, 4)


@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.lists(TINTS, min_size=2, max_size=2))
def test_black_and_white_stay_and_skin_keeps_its_hue(seed, kind, tints):
    for look in looks_of(tints, [0, 1], kind, seed):
        ends = np.array([[0.0, 0, 0], [1, 1, 1]])
        assert np.abs(made.looked(ends, look) - ends).max() < 1e-6
        turned = rgb2hsv(made.looked(SKIN, look))[:, 0] - rgb2hsv(SKIN)[:, 0]
        assert 360 * np.abs((turned + 0.5) % 1 - 0.5).max() <= SKIN_TURNS


def test_greys_alone_stay_grey_and_the_same_look_is_the_same_map_of_colours():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    look, coloured = looks_of([tint_of(grey), (0.1, 0.2, 0.3, 0.4)], [0, 0], "strong", 0)
    shown = in_look(grey, look)
    assert (shown == shown[..., :1]).all()
    assert (np.diff(shown[0, :, 0].astype(int)) >= 0).all()
    photo = picture(1)
    np.testing.assert_array_equal(in_look(photo[:20, :30], coloured), in_look(photo, coloured)[:20, :30])


def test_photos_of_one_person_become_alike_and_those_of_others_do_not():
    people, shades = [0, 0, 0, 1, 1, 1], np.tile(np.linspace(0, 200, 48), (48, 1))
    photos = [(shades[..., None] * [1, 0.9, 0.7 + 0.02 * number]).astype(np.uint8) for number in range(6)]
    tints = [tint_of(photo) for photo in photos]
    before, looks = np.array(tints), looks_of(tints, people, "film", 0)
    after = np.array([tint_of(in_look(photo, look)) for photo, look in zip(photos, looks, strict=True)])
    for mine in (slice(0, 3), slice(3, 6)):
        assert after[mine].std(axis=0).max() < 0.5 * before[mine].std(axis=0).max()
    assert np.abs(after[:3].mean(axis=0) - after[3:].mean(axis=0)).max() > 0.2


def test_photos_that_come_later_go_out_from_the_middle_of_the_earlier_ones():
    tints = [(0.1, 0.2, 0.3, 0.4), (0.3, 0.0, 0.1, 0.2), None]
    middle = made.mean_tint(tints)
    assert middle == pytest.approx((0.2, 0.1, 0.2, 0.3))
    both = looks_of(tints, [0, 1, 1], "film", 0)
    assert looks_of(tints[1:], [1, 1], "film", 0, middle) == both[1:] != looks_of(tints[1:], [1, 1], "film", 0)


def test_stronger_kinds_differ_more_and_none_not_at_all():
    tints = [tuple(tint) for tint in np.random.default_rng(0).normal(0, 0.4, (64, 4))]
    mean = {kind: np.mean([made.delta_e(look) for look in looks_of(tints, range(64), kind, 0)]) for kind in KINDS}
    assert 0 < mean["subtle"] < mean["film"] < mean["strong"] < 9
    assert looks_of(tints, range(64), "none", 0) == [PLAIN] * 64
    photo = picture(1)
    assert in_look(photo, PLAIN) is photo
