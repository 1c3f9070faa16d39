"""The embedding map: which point is what, the cosines behind it, and t-SNE."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unlearnable.explain.embedding_map import Points, cosines, embed, tsne

CAPTIONS = [["a dog", "a brown dog"], ["the beach", "two kids"], ["a bike", "my new bike"]]


def photos():
    generator = torch.Generator().manual_seed(3)
    return [(torch.rand(3, 40, 48, generator=generator) * 255).round() for _ in CAPTIONS]


def test_each_post_has_as_many_copies_as_captions(tiny):
    points = embed(tiny, photos(), CAPTIONS, seed=0)
    assert points.features.shape == (12, 32)
    np.testing.assert_allclose(np.linalg.norm(points.features, axis=1), 1, atol=1e-5)
    for post in range(3):
        assert points.captions[points.posts == post].tolist() == [False, False, True, True]
    np.testing.assert_array_equal(points.features, embed(tiny, photos(), CAPTIONS, seed=0).features)
    changed = embed(tiny, photos(), CAPTIONS, seed=1).features
    assert np.array_equal(points.features[0], changed[0])  # the first copy is plain
    assert not np.array_equal(points.features[1], changed[1])


def test_the_cosines_are_of_distinct_points():
    features = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 2, 3]]
    points = Points(features, np.array([0, 0, 0, 1, 1, 1]), np.array([False, False, True, False, True, True]))
    found = cosines(points)
    assert (found.copies, found.captions, found.others) == (1.0, 0.0, 0.0)
    assert found.own == pytest.approx(0.5)
    alone = cosines(Points(features[:2], np.array([0, 0]), np.array([False, True])))
    assert (alone.copies, alone.others) == (None, None)


def test_tsne_keeps_neighbours_and_repeats_with_its_seed():
    rng = np.random.default_rng(0)
    centres = np.eye(3, 8)
    features = np.repeat(centres, 6, axis=0) + rng.normal(0, 0.02, (18, 8))
    found = tsne(features.astype(np.float32), seed=0)
    assert found.shape == (18, 2)
    np.testing.assert_array_equal(found, tsne(features.astype(np.float32), seed=0))
    distance = np.linalg.norm(found[:, None] - found[None], axis=2) + 1e9 * np.eye(18)
    assert all(near // 6 == n // 6 for n, near in enumerate(distance.argmin(axis=1)))
    with pytest.raises(ValueError, match="too few"):
        tsne(features[:3].astype(np.float32), seed=0)
