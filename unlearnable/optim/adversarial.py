"""Adversarial noise as a poison: a model that knows the posts sees other content in the photos.

A model trained on such photos associates that content with their captions, and so learns it under the wrong words
(Fowl et al., "Adversarial Examples Make Strong Poisons", NeurIPS 2021, with classes; here with groups of posts).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from torch import Tensor

APART = 0.7  # cosine distance between posts of two groups, on average
FEWEST, MOST = 8, 1024  # groups
LINKED = 4096  # posts that are compared with each other
FORBIDDEN = 1e3  # similarity of what captions speak of
AT_ONCE = 16  # groups that a group is to show together; half of the others at most


def group(features: Tensor) -> Tensor:
    """Sort posts by their normalised features (n, d) into groups of those that lie close together.

    By average linkage; of more posts than `LINKED` some are linked, evenly spaced, and the others join the nearest
    group.

    Returns:
        (n,) group of each post, numbered from 0 without gaps.
    """
    count = len(features)
    if count < 2:
        return torch.zeros(count, dtype=torch.long)
    linked = torch.arange(0, count, -(-count // LINKED))
    points = features[linked].double().numpy()
    tree = linkage(points, "average", metric="cosine")
    found = fcluster(tree, APART, "distance")
    if found.max() < FEWEST:
        found = fcluster(tree, FEWEST, "maxclust")
    elif found.max() > MOST:
        found = fcluster(linkage(points, "ward"), MOST, "maxclust")  # groups of about the same size
    groups = torch.from_numpy(found).long() - 1
    labels: Tensor = (features @ centres_of(features[linked], groups).T).argmax(dim=1)
    labels[linked] = groups
    return labels


def centres_of(features: Tensor, labels: Tensor) -> Tensor:
    """Return the normalised mean (g, d) of each group's features (n, d)."""
    return _centres(features, labels, int(labels.max()) + 1)


def elsewhere(centres: Tensor) -> Tensor:
    """Return the target groups (k, g) of each of several groups (g, d): as unlike as possible, each one used k times.

    Unlike, since noise this faint cannot hide coarse content: it has to contradict it. Several, since whom a single
    group happens to be would decide which models are misled.

    Args:
        centres: (g, d) what the photos of each group show.
    """
    itself = torch.eye(len(centres), dtype=torch.bool)
    similarity = (centres @ centres.T).double() + itself * FORBIDDEN
    return apart(similarity, max(1, min(AT_ONCE, (len(centres) - 1) // 2)))


def apart(similarity: Tensor, count: int) -> Tensor:
    """Return (k, g) the others for each of g, those least similar in sum first, each one used once in each row.

    Args:
        similarity: (g, g) float64; the diagonal is not looked at.
        count: rows, k, at most g - 1.
    """
    left, found = similarity.clone().fill_diagonal_(torch.inf), []
    for _ in range(count):
        found.append(torch.from_numpy(linear_sum_assignment(left.numpy())[1]))
        left[torch.arange(len(left)), found[-1]] = torch.inf
    return torch.stack(found)


def displacement(images: Tensor, texts: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Return (n, d) the direction that each photo's features are to move against.

    Away from what is there, the photo's own features and its group's captions, and towards what is not: photos and
    captions of the wanted groups. A model that was not asked sees more of the former than of the latter.

    Args:
        images: (n, d) features of the clean photos.
        texts: (n, d) features of their captions.
        labels: (n,) group of each photo.
        wanted: (k, g) groups that are to be seen in the photos of each group, all of them together.
    """
    photos, captions = centres_of(images, labels), centres_of(texts, labels)
    return images + captions[labels] - (photos + captions)[wanted].mean(dim=0)[labels]


def departure(images: Tensor, texts: Tensor) -> Tensor:
    """Return (n, d) the direction that the features of one person's photos are to move against.

    Away from each photo's own features and from what all of the photos, and all of the captions, have in common: that
    person. Groups of these posts would have to show each other, and so the same person again.

    Args:
        images: (n, d) features of the clean photos.
        texts: (n, d) features of their captions.
    """
    return images + F.normalize(images.mean(dim=0), dim=0) + F.normalize(texts.mean(dim=0), dim=0)


def _centres(features: Tensor, labels: Tensor, count: int) -> Tensor:
    sums = torch.zeros(count, features.shape[1]).index_add(0, labels, features)
    return F.normalize(sums, dim=1)
