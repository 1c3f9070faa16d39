"""Captions that mention other people too: those of the same posts who look least like the people in the photo.

A model that learns from such posts learns each name with two faces or more, also where somebody has taken the noise off
(docs/experiments/borrowed-names.md). A woman's photos borrow names of women: what a name says must not tell who it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from unlearnable.optim.adversarial import apart, centres_of
from unlearnable.posts.names import names_in, posts_by_name

KINDS = ("man", "boy"), ("woman", "girl")  # words that describe people whose names sound alike
UNFIT = 10.0  # similarity of people of two kinds, above any cosine


def unlike(
    captions: Sequence[Sequence[str]], photos: Tensor, described: Tensor, count: int
) -> dict[str, tuple[str, ...]]:
    """Return the names to borrow for each name: of those whose photos look least like its own, each as often as others.

    Names of people of another kind are borrowed only where there are too few of the same one.

    Args:
        captions: all captions of each post.
        photos: (n, d) features of the clean photos.
        described: (n, kinds, words) how close each photo is to the words of `KINDS`.
        count: names to borrow, 0 for none; fewer where there are few names.
    """
    posts = posts_by_name(captions) if count else {}
    if len(posts) < 2:
        return {}
    means = torch.stack([photos[numbers].mean(dim=0) for numbers in posts.values()])
    centres = F.normalize(means - means.mean(dim=0), dim=1)
    kinds = _kinds(centres, torch.stack([described[numbers].mean(dim=0) for numbers in posts.values()]))
    similarity = (centres @ centres.T).double() + UNFIT * (kinds[:, None] != kinds)
    wanted, names = apart(similarity, min(count, len(posts) - 1)), list(posts)
    return {name: tuple(names[other] for other in wanted[:, n].tolist()) for n, name in enumerate(names)}


def _kinds(centres: Tensor, described: Tensor) -> Tensor:
    """Return (g,) the kind of each name: that of the photos which its own (g, d) are closest to.

    The words (g, kinds, words) say which photos those are. Alone they take some young men for girls, who yet look like
    the other men.
    """
    said = described.amax(dim=2).argmax(dim=1)
    return said if len(said.unique()) < 2 else (centres @ centres_of(centres, said).T).argmax(dim=1)


def borrowing(caption: str, others: Mapping[str, tuple[str, ...]]) -> str:
    """Return a caption in which one of its names stands among others, in alphabetical order: none can be told by place.

    Args:
        caption: text; without a name of `others` it stays as it is.
        others: the names to borrow for each name; those that the caption holds anyway are not borrowed.
    """
    own = names_in(caption)
    name = next((name for name in own if name.text in others), None)
    held = {name.text for name in own}
    borrowed = () if name is None else tuple(other for other in others[name.text] if other not in held)
    if name is None or not borrowed:
        return caption
    *listed, last = sorted([name.text, *borrowed], key=str.casefold)
    return f"{caption[: name.at]}{', '.join(listed)} and {last}{caption[name.at + len(name.text) :]}"
