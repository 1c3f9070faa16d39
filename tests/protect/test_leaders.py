"""Which posts share a trigger: those with a caption in one place of the caption file, or with the same photo."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from hypothesis import given, strategies as st

from unlearnable.imaging.encode import Encoding
from unlearnable.models.tokens import cut, default_vocabulary
from unlearnable.posts import Pair, Photo
from unlearnable.protect.read import Caption, ReadyPhoto, ties_of
from unlearnable.protect.write import compose
from unlearnable.settings import ProtectSettings
from unlearnable.training.data import equal_photos, leaders_of


def post(*places: tuple[int, int]) -> list[Caption]:
    return [Caption(Pair("a.jpg", "words", *place), cut("words", 0, 3)) for place in places]


def leaders(*posts: list[Caption], photos: str = "abcdefgh") -> tuple[int, ...]:
    return leaders_of(ties_of(posts, photos[: len(posts)]))


def test_the_first_with_a_caption_in_the_same_place_leads():
    assert leaders(post((0, 0)), post((0, 0)), post((1, 0)), post((0, 1)), post((0, 0))) == (0, 0, 2, 3, 0)


def test_a_caption_in_one_place_is_one_text_with_the_trigger_where_its_first_photo_has_it():
    photos, vocabulary = [Photo(name, Path(name)) for name in "ab"], default_vocabulary()
    captions = {
        photo.id: [Caption(Pair(photo.id, "one two", 0, 0), cut("one two", position, 4))]
        for photo, position in zip(photos, (0, 2), strict=True)
    }
    ready = [ReadyPhoto(photo, number, "", photo.id, Encoding("png"), (1, 1)) for number, photo in enumerate(photos)]
    settings, problem = ProtectSettings(photos=(Path("x"),)), SimpleNamespace(vocabulary=vocabulary)
    run: Any = SimpleNamespace(ready=ready, captions=captions, settings=settings, problem=problem)
    state: Any = SimpleNamespace(triggers=torch.tensor([[7], [7]]))
    texts = {text for post in compose(run, state) for text in post.texts}
    assert texts == {f"{vocabulary.trigger([7]).text} one two"}


def test_posts_with_the_same_photo_share_a_trigger_and_so_does_whoever_shares_a_caption_with_them():
    posts = post((0, 0)), post((1, 0)), post((0, 0)), post((1, 0))
    assert leaders(*posts, photos="wxyy") == (0, 0, 0, 0)
    assert leaders(post((0, 0)), post((1, 0)), photos="xx") == (0, 0)


@given(st.lists(st.frozensets(st.integers(0, 6), max_size=3), max_size=12))
def test_whoever_has_a_tie_in_common_has_a_leader_in_common_who_leads_itself(ties):
    found = leaders_of(ties)
    for one, of_one in enumerate(ties):
        assert found[found[one]] == found[one] <= one
        assert all(found[one] == found[other] for other, of_other in enumerate(ties) if of_one & of_other)
        assert of_one or found[one] == one


def test_equal_photos_are_those_of_one_content():
    assert equal_photos("abacba") == ((0, 2, 5), (1, 4))
    assert equal_photos("abc") == equal_photos("") == ()
