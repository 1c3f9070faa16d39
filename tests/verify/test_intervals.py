"""Intervals hold the mean, are as wide as chance demands, and narrow where figures agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unlearnable.verify.intervals import Arms, interval, interval_of_effect


def test_figures_that_agree_leave_no_doubt():
    assert interval(np.full((3, 25), 40.0)) == pytest.approx((40, 40))


def test_one_seed_has_the_width_of_its_people():
    hits = np.array([[100.0] * 300 + [0.0] * 700])
    low, high = interval(hits)
    deviation = 100 * (0.3 * 0.7 / 1000) ** 0.5
    assert low == pytest.approx(30 - 1.96 * deviation, abs=0.2)  # at 90 % they were 0.45 nearer
    assert high == pytest.approx(30 + 1.96 * deviation, abs=0.2)


def test_seeds_that_differ_widen_it():
    people = np.tile([0.0, 100.0], 200)
    agreeing = np.stack([people, people, people])
    differing = np.clip(agreeing + np.array([[-30.0], [0.0], [30.0]]), 0, 100)
    narrow, wide = interval(agreeing), interval(differing)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.floats(0, 100)))
def test_an_interval_lies_within_the_figures_and_is_the_same_twice(values):
    low, high = interval(values)
    assert values.min() - 1e-6 <= low <= high <= values.max() + 1e-6
    assert interval(values) == (low, high)


@pytest.mark.parametrize("values", [[], [1.0, 2.0], np.zeros((0, 3)), np.zeros((2, 0))])
def test_nothing_has_no_interval(values):
    with pytest.raises(ValueError, match="an interval needs"):
        interval(values)


def hits(share, people=200, seeds=3):
    """As many people found as `share` of all, the same in each seed."""
    return np.tile(100.0 * (np.arange(people) < share * people), (seeds, 1))


def test_an_effect_lies_in_its_interval_which_many_people_narrow():
    few, many = (interval_of_effect([Arms(hits(0.6, people), hits(0.3, people), 10.0)], 10.0) for people in (40, 1000))
    assert few.low < many.low < 0.6 < many.high < few.high


def test_arms_that_move_together_leave_a_narrower_effect_than_their_means():
    generator = np.random.default_rng(0)
    easy = generator.uniform(20, 100, (1, 60))
    low, high = interval_of_effect([Arms(easy, 0.5 * easy, 0.0)], 10.0)
    assert (low, high) == pytest.approx((0.5, 0.5))


def test_directions_are_averaged_in_each_draw():
    way = Arms(hits(0.6), hits(0.3), 10.0)
    assert interval_of_effect([way, way], 10.0) == pytest.approx(interval_of_effect([way], 10.0))
    nothing = Arms(hits(0.12), hits(0.12), 10.0)
    assert interval_of_effect([way, nothing], 10.0).low < interval_of_effect([way], 10.0).low + 0.2


def test_where_most_draws_cannot_be_judged_there_is_no_interval():
    assert interval_of_effect([Arms(hits(0.12), hits(0.1), 10.0)], 10.0) is None
    assert interval_of_effect([Arms(hits(0.25, 40), hits(0.2, 40), 10.0)], 10.0) is not None
