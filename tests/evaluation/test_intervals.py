"""Intervals hold the mean, are as wide as chance demands, and narrow where figures agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unlearnable.evaluation.intervals import interval, interval_of_difference


def test_figures_that_agree_leave_no_doubt():
    assert interval(np.full((3, 25), 40.0)) == pytest.approx((40, 40))


def test_one_seed_has_the_width_of_its_people():
    hits = np.array([[100.0] * 30 + [0.0] * 70])
    low, high = interval(hits)
    deviation = 100 * (0.3 * 0.7 / 100) ** 0.5
    assert low == pytest.approx(30 - 1.96 * deviation, abs=1.5)
    assert high == pytest.approx(30 + 1.96 * deviation, abs=1.5)


def test_seeds_that_differ_widen_it():
    people = np.tile([0.0, 100.0], 200)
    agreeing = np.stack([people, people, people])
    differing = np.clip(agreeing + np.array([[-30.0], [0.0], [30.0]]), 0, 100)
    narrow, wide = interval(agreeing), interval(differing)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_what_both_arms_share_leaves_the_difference():
    values = np.random.default_rng(0).uniform(0, 100, (3, 40))
    assert interval_of_difference(values + 5, values) == pytest.approx((5, 5))


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.floats(0, 100)))
def test_an_interval_lies_within_the_figures_and_is_the_same_twice(values):
    low, high = interval(values)
    assert values.min() - 1e-6 <= low <= high <= values.max() + 1e-6
    assert interval(values) == (low, high)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], np.zeros((0, 3)), np.zeros((2, 0))])
def test_nothing_has_no_interval(values):
    with pytest.raises(ValueError, match="an interval needs"):
        interval(values)
