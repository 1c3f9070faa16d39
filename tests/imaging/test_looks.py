"""Looks: the same for the same seed, far apart, and gentle to black, white, greys and skin."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, strategies as st
from skimage.color import rgb2hsv

from tests.conftest import picture
from unlearnable.imaging.looks import PLAIN, SKIN, SKIN_TURNS, STRENGTH, Look, delta_e, draw_looks, in_look, looked

KINDS = sorted(STRENGTH)


@pytest.mark.parametrize("kind", KINDS)
def test_more_people_leave_the_looks_of_the_first_as_they_are(kind):
    assert draw_looks(kind, 40, 3)[:5] == draw_looks(kind, 5, 3)
    assert draw_looks(kind, 5, 3) != draw_looks(kind, 5, 4)


def test_no_two_of_a_hundred_look_alike():
    numbers = np.array([astuple(look) for look in draw_looks("film", 100, 0)])
    apart = np.linalg.norm(numbers[:, None] - numbers[None], axis=-1)[np.triu_indices(100, 1)]
    assert apart.min() > 0.05


@given(st.integers(0, 10_000), st.sampled_from(KINDS))
def test_black_and_white_stay_and_skin_keeps_its_hue(seed, kind):
    for look in draw_looks(kind, 2, seed):
        ends = np.array([[0.0, 0, 0], [1, 1, 1]])
        assert np.abs(looked(ends, look) - ends).max() < 1e-6
        turned = rgb2hsv(looked(SKIN, look))[:, 0] - rgb2hsv(SKIN)[:, 0]
        assert 360 * np.abs((turned + 0.5) % 1 - 0.5).max() <= SKIN_TURNS


def test_greys_alone_stay_grey_and_the_same_look_is_the_same_map_of_colours():
    [look] = draw_looks("strong", 1, 0)
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    shown = in_look(grey, look)
    assert (shown == shown[..., :1]).all()
    assert (np.diff(shown[0, :, 0].astype(int)) >= 0).all()
    photo = picture(1)
    np.testing.assert_array_equal(in_look(photo[:20, :30], look), in_look(photo, look)[:20, :30])


def test_stronger_kinds_differ_more_and_none_not_at_all():
    mean = {kind: np.mean([delta_e(look) for look in draw_looks(kind, 64, 0)]) for kind in KINDS}
    assert 0 < mean["subtle"] < mean["film"] < mean["strong"] < 8
    assert draw_looks("none", 3, 0) == [PLAIN] * 3 == [Look()] * 3
    photo = picture(1)
    assert in_look(photo, PLAIN) is photo
