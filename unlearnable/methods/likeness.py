"""What posts have in common: names, the rare words of their captions, and what a model sees in their photos."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.models.tokens import words_of
from unlearnable.optim.adversarial import MOST, group
from unlearnable.posts.names import posts_by_person

WIDTH = 512  # of the space that words have random directions in, at angles of about 90 degrees
RARITY = 3  # power of the inverse document frequency: a name counts, a turn of phrase does not


def alike(captions: Sequence[Sequence[str]], photos: Tensor) -> Tensor:
    """Return (n,) the group of each post, from 0 without gaps: posts of the same people or things are one.

    Posts go by the name that most of the posts have of those in their captions; without one, and with that of the one
    whom more than half of all posts name, by what is alike in them. Of a few people no name is rare, and a turn of
    phrase is: by likeness alone these would be mixed. Of more than `MOST` groups the rarest names are not looked at.

    Args:
        captions: all captions of each post.
        photos: (n, d) normalised features of the photos.
    """
    labels = group(likeness(captions, photos))
    found = int(labels.max()) + 1
    named = sorted((posts for posts in posts_by_person(captions) if 2 * len(posts) <= len(captions)), key=len)
    for number, posts in enumerate(named[max(0, len(named) - MOST + found) :]):
        labels[posts] = found + number
    groups: Tensor = labels.unique(return_inverse=True)[1]
    return groups


def likeness(captions: Sequence[Sequence[str]], photos: Tensor) -> Tensor:
    """Return (n, d + WIDTH) normalised features, close together for posts that are of the same people or things.

    Half of them are the photos', half the words' that stand in more than one post.

    Args:
        captions: all captions of each post.
        photos: (n, d) normalised features of the photos.
    """
    texts = [words_of(" ".join(each)) for each in captions]
    posts = Counter(word for words in texts for word in words)
    shared = sorted(word for word, count in posts.items() if count > 1)
    weights = torch.tensor([math.log(len(texts) / posts[word]) ** RARITY for word in shared])
    directions = torch.randn(len(shared), WIDTH, generator=torch.Generator().manual_seed(0)) * weights[:, None]
    rows = {word: row for row, word in enumerate(shared)}
    summed = torch.stack(
        [directions[[rows[word] for word in sorted(words) if word in rows]].sum(dim=0) for words in texts]
    )
    return F.normalize(torch.cat([photos, F.normalize(summed, dim=1)], dim=1), dim=1)
