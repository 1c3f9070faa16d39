"""What posts have in common: the rare words of their captions, and what a model sees in their photos."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.models.tokens import words_of

WIDTH = 512  # of the space that words have random directions in, at angles of about 90 degrees
RARITY = 3  # power of the inverse document frequency: a name counts, a turn of phrase does not


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
