"""Hit@k and Medr of a ranking in both directions, and their chance level."""

from __future__ import annotations

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


def chance(gallery: Pairs) -> BothWays:
    """Return the scores of a gallery in random order, by formula."""
    reference = random_reference(int(gallery.photos.max()) + 1, gallery.photos)
    image_to_text, text_to_image = (
        Retrieval(hit1=direction.hit(1), hit5=direction.hit(5), hit10=direction.hit(10), medr=direction.medr())
        for direction in (reference.image_to_text, reference.text_to_image)
    )
    return BothWays(image_to_text=image_to_text, text_to_image=text_to_image)
