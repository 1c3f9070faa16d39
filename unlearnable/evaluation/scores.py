"""Hit@k and Medr of a ranking in both directions, and their chance level."""

from __future__ import annotations

import torch

from unlearnable.evaluation.retrieval import Ranks, hit, medr, random_reference
from unlearnable.posts.pairs import Pairs
from unlearnable.results import BothWays, Retrieval


def scores(ranks: Ranks) -> BothWays:
    """Return Hit@1, Hit@5, Hit@10 (in per cent) and Medr (a rank from 1) in both directions."""
    image_to_text, text_to_image = (
        Retrieval(hit1=hit(r, 1), hit5=hit(r, 5), hit10=hit(r, 10), medr=medr(r))
        for r in (ranks.image_to_text, ranks.text_to_image)
    )
    return BothWays(image_to_text=image_to_text, text_to_image=text_to_image)


def queries_of(ranks: Ranks, gallery: Pairs, first: int | None, *, others: bool = False) -> Ranks:
    """Return the ranks of the queries of the first photos of a gallery (None for all), or of the `others`' queries."""
    if first is None:
        return ranks
    photos = torch.arange(len(ranks.image_to_text)) < first
    return ranks.of(~photos if others else photos, gallery.photos)


def chance(gallery: Pairs, queries: int | None = None) -> BothWays:
    """Return the scores of a gallery in random order, by formula, of the first photos' queries or of all."""
    reference = random_reference(int(gallery.photos.max()) + 1, gallery.photos, queries)
    image_to_text, text_to_image = (
        Retrieval(hit1=direction.hit(1), hit5=direction.hit(5), hit10=direction.hit(10), medr=direction.medr())
        for direction in (reference.image_to_text, reference.text_to_image)
    )
    return BothWays(image_to_text=image_to_text, text_to_image=text_to_image)
