from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from unlearnable.report.curves import BLOCKS, PLAIN, sparkline


def test_it_falls_with_the_values_and_says_what_is_missing():
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == BLOCKS[::-1]
    assert sparkline([1, None, math.nan, 0]) == "█  ▁"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([]) == sparkline([None, math.inf]) == ""
    assert sparkline([0.5, 2, 9, -1], top=8) == "▁▃█▁"
    assert sparkline([0.0], top=0.0) == "▁"
    assert sparkline([0, 1], plain=True) == PLAIN[0] + PLAIN[-1]


@given(
    st.lists(st.none() | st.sampled_from([math.nan, math.inf]) | st.floats(-1e9, 1e9), max_size=300), st.integers(1, 60)
)
def test_it_never_gets_longer_than_it_may(values, width):
    assert len(sparkline(values, width)) <= min(width, len(values))


def test_a_long_series_is_averaged():
    assert sparkline([1, 1, 0, 0], width=2) == "█▁"
