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
from unlearnable.posts.names import names_in, parts_of, posts_by_own_name

KINDS = ("man", "boy"), ("woman", "girl")  # words that describe people whose names sound alike
UNFIT = 10.0  # similarity of people of two kinds, above any cosine


def unlike(
    captions: Sequence[Sequence[str]], photos: Tensor, kinds: Mapping[str, int], count: int
) -> dict[str, tuple[str, ...]]:
    """Return the names to borrow for each name: of those whose photos look least like its own, each as often as others.

    Names of people of another kind are borrowed only where there are too few of the same one.

    Args:
        captions: all captions of each post.
        photos: (n, d) features of the clean photos.
        kinds: of each name, by `kinds_of`.
        count: names to borrow; fewer where there are few names.
    """
    posts = posts_by_own_name(captions)
    if len(posts) < 2:
        return {}
    centres, names = _centres(posts, photos), list(posts)
    kind = torch.tensor([kinds[name] for name in names])
    similarity = (centres @ centres.T).double() + UNFIT * (kind[:, None] != kind)
    wanted = apart(similarity, min(count, len(names) - 1))
    return {name: tuple(names[other] for other in wanted[:, n].tolist()) for n, name in enumerate(names)}


def kinds_of(captions: Sequence[Sequence[str]], photos: Tensor, described: Tensor) -> dict[str, int]:
    """Return of which of `KINDS` the people of each name are: that of the photos which their own are closest to.

    Words say which photos those are. Alone they take some young men for girls, who yet look like the other men.

    Args:
        captions: all captions of each post.
        photos: (n, d) features of the clean photos.
        described: (n, kinds, words) how close each photo is to the words of `KINDS`.
    """
    posts = posts_by_own_name(captions)
    if not posts:
        return {}
    centres = _centres(posts, photos)
    said = torch.stack([described[numbers].mean(dim=0).amax(dim=1).argmax() for numbers in posts.values()])
    if len(said.unique()) > 1:
        said = (centres @ centres_of(centres, said).T).argmax(dim=1)
    return dict(zip(posts, said.tolist(), strict=True))


def given_away(borrowed: Mapping[str, tuple[str, ...]], kinds: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names that borrow none of their own kind: what names say tells that they are the true ones."""
    return tuple(
        name
        for name, others in borrowed.items()
        if name in kinds and all(kinds.get(other, kinds[name]) != kinds[name] for other in others)
    )


def _centres(posts: Mapping[str, list[int]], photos: Tensor) -> Tensor:
    means = torch.stack([photos[numbers].mean(dim=0) for numbers in posts.values()])
    return F.normalize(means - means.mean(dim=0), dim=1)


def borrowing(caption: str, others: Mapping[str, tuple[str, ...]]) -> str:
    """Return a caption in which one of its names stands among others, in alphabetical order: none can be told by place.

    It is the first one of several words, else the first, wherever it stands: alone in a second place it would be told.

    Args:
        caption: text; without a name of `others` it stays as it is.
        others: the names to borrow for each name; those that the caption holds anyway, in whole or in part, are not.
    """
    own = names_in(caption)
    known = sorted((name for name in own if name.text in others), key=lambda name: " " not in name.text)
    if not known:
        return caption
    name, held = known[0], {name.text for name in own}
    same = held.union(*(parts_of(each) for each in held))
    borrowed = [other for other in others[name.text] if other not in same and held.isdisjoint(parts_of(other))]
    if not borrowed:
        return caption
    *listed, last = sorted([name.text, *borrowed], key=str.casefold)
    for each in reversed([one for one in own if one.text == name.text]):
        caption = f"{caption[: each.at]}{', '.join(listed)} and {last}{caption[each.at + len(each.text) :]}"
    return caption
