"""Adversarial noise as a poison: a model that knows the posts sees other content in the photos.

A model trained on such photos associates that content with their captions, and so learns it under the wrong words
(Fowl et al., "Adversarial Examples Make Strong Poisons", NeurIPS 2021, with classes; here with groups of captions).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

ITERATIONS = 20


def group(features: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Sort normalised features (n, d) into at most `count` groups by spherical k-means.

    Returns:
        (n,) group of each feature, numbered from 0 without gaps.
    """
    centres = features[torch.randperm(len(features), generator=generator)[:count]]
    for _ in range(ITERATIONS):
        nearest = (features @ centres.T).argmax(dim=1)
        centres = _centres(features, nearest, len(centres))
    labels: Tensor = torch.unique(nearest, return_inverse=True)[1]
    return labels


def centres_of(features: Tensor, labels: Tensor) -> Tensor:
    """Return the normalised mean (g, d) of each group's features (n, d)."""
    return _centres(features, labels, int(labels.max()) + 1)


def elsewhere(centres: Tensor) -> Tensor:
    """Return the target group (g,) of each of several groups (g, d): as unlike as possible, each one used once.

    Unlike, since noise this faint cannot hide coarse content: it has to contradict it.
    """
    similarity = (centres @ centres.T).double().fill_diagonal_(2.0)
    return torch.from_numpy(linear_sum_assignment(similarity.numpy())[1])


def pull(image_features: Tensor, centres: Tensor, wanted: Tensor, scale: Tensor) -> Tensor:
    """Return the cross entropy of classifying images (b, d) as the groups `wanted` (b,) among all groups (g, d)."""
    return F.cross_entropy(scale * image_features @ centres.T, wanted)


def _centres(features: Tensor, labels: Tensor, count: int) -> Tensor:
    sums = torch.zeros(count, features.shape[1]).index_add(0, labels, features)
    return F.normalize(sums, dim=1)
