"""The embedding map: which point is what, the cosines behind it, t-SNE; and the figures as files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import picture
from unlearnable.explain.figures import MARKED, Panel, draw_attention, draw_map
from unlearnable.explain.run import embed, mean_cosines
from unlearnable.report import EmbeddingMap, Explanation, MapPoint, WordRecord

CAPTIONS = [["a dog", "a brown dog"], ["the beach", "two kids"], ["a bike", "my new bike"]]


def test_each_post_has_as_many_copies_as_captions(tiny):
    generator = torch.Generator().manual_seed(3)
    photos = [(torch.rand(3, 40, 48, generator=generator) * 255).round() for _ in CAPTIONS]
    (features, numbers, captions), again, other = (embed(tiny, photos, CAPTIONS, seed) for seed in (0, 0, 1))
    assert features.shape == (12, 32)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    assert (numbers, captions) == ([n for n in range(3) for _ in range(4)], [False, False, True, True] * 3)
    np.testing.assert_array_equal(features, again[0])
    assert np.array_equal(features[0], other[0][0])  # the first copy is plain
    assert not np.array_equal(features[1], other[0][1])


def test_the_cosines_are_of_distinct_points():
    features = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 2, 3]]
    found = mean_cosines(features, np.array([0, 0, 0, 1, 1, 1]), np.array([False, False, True, False, True, True]))
    assert found == {
        "cosine_copies": 1.0, "cosine_captions": 0.0, "cosine_own": pytest.approx(0.5), "cosine_others": 0.0,
    }  # fmt: skip
    alone = mean_cosines(features[:2], np.array([0, 0]), np.array([False, True]))
    assert (alone["cosine_copies"], alone["cosine_others"]) == (None, None)


def panel(title="a model", *, trigger=True):
    words = {"$\\alpha": 0.5, "<b>": -0.2, "狗": 0.2, "dog": 0.1}
    record = Explanation(
        model=title, similarity=0.6, similarity_blank=0, trigger_share=None, trigger_words_share=None,
        words=[WordRecord(word=word, attribution=share) for word, share in words.items()],
    )  # fmt: skip
    return Panel(record, np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8), [trigger, trigger, False, False])


def test_attention_is_written_as_png_and_svg_and_the_same_each_time(tmp_path):
    photo, panels = picture(0, 40, 40), [panel(), panel("mem_3 $x$")]
    written = draw_attention(photo, panels, tmp_path / "sub" / "attention")
    assert [path.name for path in written] == ["attention.png", "attention.svg"]
    again = draw_attention(photo, panels, tmp_path / "b")
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    narrow, plain = draw_attention(photo, [panel(trigger=False)], tmp_path / "c")
    with Image.open(narrow) as one, Image.open(written[0]) as two:
        assert one.width < two.width
    assert MARKED in written[1].read_text()
    assert MARKED not in plain.read_text()


def test_a_map_has_a_column_a_model(tmp_path):
    points = [
        MapPoint(post=post, kind=kind, x=n, y=-n) for n in range(3) for post in "ab" for kind in ("photo", "caption")
    ]
    cosines = dict.fromkeys(("cosine_copies", "cosine_captions", "cosine_own", "cosine_others"))
    one = EmbeddingMap(model="clean", data="photos", points=points, **cosines)
    for models in (1, 3):
        png, svg = draw_map([one] * models, tmp_path / "map")
        with Image.open(png) as image:
            assert image.width == pytest.approx(374 * models, rel=0.02)
        assert svg.read_text().count("<svg") == 1
