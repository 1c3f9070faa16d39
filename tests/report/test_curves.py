"""Curves as SVG coordinates, and as a line of text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from unlearnable.report.html import BOTTOM, HEIGHT, LEFT, WIDTH, chart, mean_curve


def points(curve):
    return [tuple(map(float, pair.split(","))) for pair in curve.points.split()]


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=2, max_size=30), min_size=1, max_size=6))
def test_every_point_lies_inside_the_frame(series):
    drawn = chart("loss", {str(n): values for n, values in enumerate(series)})
    for curve in drawn.curves:
        for x, y in points(curve):
            assert LEFT <= x <= WIDTH
            assert 9.9 <= y <= HEIGHT - BOTTOM


def test_higher_values_are_drawn_higher_and_lines_differ_without_colour():
    drawn = chart("loss", {"a": [4, 2, 1], "b": [1, 1, 1]})
    first = points(drawn.curves[0])
    assert [y for _, y in first] == sorted(y for _, y in first)
    assert drawn.curves[0].dashes != drawn.curves[1].dashes
    assert [text for _, text in drawn.ticks_x] == ["1", "2", "3"]
    assert [text for _, text in drawn.ticks_y] == ["0", "2.5", "5"]


def test_what_is_not_finite_is_left_out():
    drawn = chart("loss", {"a": [1, math.inf, 2, math.nan]})
    assert len(points(drawn.curves[0])) == 2
    assert chart("loss", {"a": [math.nan, math.nan]}) is None
    assert chart("loss", {"a": [1.0]}) is None
    assert chart("loss", {}) is None


def test_the_mean_goes_as_far_as_all_curves():
    assert mean_curve([[1.0, 2.0, 3.0], [3.0, 4.0]]) == pytest.approx([2.0, 3.0])
    assert mean_curve([[None, 2.0], [1.0, 4.0]]) == pytest.approx([3.0])
    assert mean_curve([]) == []
