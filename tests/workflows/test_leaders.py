"""Which posts share a trigger: those with a caption in one place of the caption file."""

from __future__ import annotations

from unlearnable.datasets import Pair
from unlearnable.models.tokens import cut
from unlearnable.workflows.protect.prepare import Caption, leaders_of


def post(*places: tuple[int, int]) -> list[Caption]:
    return [Caption(Pair("a.jpg", "words", *place), cut("words", 0, 3)) for place in places]


def test_the_first_with_a_caption_in_the_same_place_leads():
    assert leaders_of([post((0, 0)), post((0, 0)), post((1, 0)), post((0, 1)), post((0, 0), (1, 0))]) == (0, 0, 2, 3, 0)


def test_a_leader_follows_nobody():
    assert leaders_of([post((0, 0)), post((0, 0), (1, 0)), post((1, 0))]) == (0, 0, 0)


def test_captions_of_no_file_are_shared_by_nobody():
    assert leaders_of([post((-1, 0)), post((-1, 0))]) == (0, 1)
