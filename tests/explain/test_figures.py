"""Figures of explanations as files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from unlearnable.explain.figures import MapPanel, Panel, draw_attention, draw_map

WORDS = ["$\\alpha", "<b>", "狗", "dog"]


def panel(title="a model"):
    heat = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    return Panel(title, heat, WORDS, [0.5, -0.2, 0.2, 0.1], [True, True, False, False])


def test_attention_is_written_as_png_and_svg_and_the_same_each_time(tmp_path):
    photo = picture(0, 40, 40)
    written = draw_attention(photo, [panel(), panel("mem_3 $x$")], tmp_path / "sub" / "attention")
    assert [path.name for path in written] == ["attention.png", "attention.svg"]
    with Image.open(written[0]) as image:
        assert image.width > 500
    first = [path.read_bytes() for path in written]
    assert first == [path.read_bytes() for path in draw_attention(photo, [panel(), panel("mem_3 $x$")], tmp_path / "b")]
    narrow = draw_attention(photo, [panel()], tmp_path / "c")[0]
    with Image.open(narrow) as one, Image.open(written[0]) as two:
        assert one.width < two.width


def test_the_trigger_is_told_apart(tmp_path):
    marked = draw_attention(picture(0, 40, 40), [panel()], tmp_path / "a")[1].read_text()
    assert "#d1662b" in marked
    plain = Panel("a model", panel().heat, WORDS, [0.0] * 4, [False] * 4)
    assert "#d1662b" not in draw_attention(picture(0, 40, 40), [plain], tmp_path / "b")[1].read_text()


@pytest.mark.parametrize("models", [1, 3])
def test_a_map_has_a_column_a_model(tmp_path, models):
    points = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
    one = MapPanel("clean", points, np.arange(12) // 4, np.arange(12) % 2 == 0)
    png, svg = draw_map([one] * models, tmp_path / "map")
    with Image.open(png) as image:
        assert image.width == pytest.approx(374 * models, rel=0.02)
    assert svg.read_text().count("<svg") == 1
