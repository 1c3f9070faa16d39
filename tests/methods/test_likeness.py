from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.methods.proxies import group, groups_of, likeness

PHRASES = ("{} backstage before the show", "look who I met: {}!", "a close-up of {}", "throwback to a day with {}")
NAMES = ("Anna", "Bob Ray", "Ines", "Mbeki", "Li Wei", "Zoe", "Omar", "Pia", "Ken Ito", "Ada")


def blind(posts: int) -> torch.Tensor:
    """Features of photos in which a model sees nothing in common."""
    return F.normalize(torch.randn(posts, 64, generator=torch.Generator().manual_seed(0)), dim=1)


def test_a_name_counts_and_a_turn_of_phrase_does_not():
    people = [name for name in NAMES for _ in range(6)]
    captions = [[PHRASES[n % len(PHRASES)].format(name)] for n, name in enumerate(people)]
    labels = group(likeness(captions, blind(len(people)))).tolist()
    assert len(set(zip(people, labels, strict=True))) == len(set(labels)) == len(NAMES)


def test_a_few_people_are_told_apart_by_names_that_are_not_rare_among_them():
    people = [name for name in NAMES[:4] for _ in range(len(PHRASES))]
    captions = [[PHRASES[n % len(PHRASES)].format(name)] for n, name in enumerate(people)]
    labels = groups_of(captions, blind(len(people))).tolist()
    assert len(set(zip(people, labels, strict=True))) == len(set(labels)) == 4


def test_posts_of_several_names_go_by_the_one_that_most_have():
    captions = ["with Anna", "here is Anna", "on a walk with Anna and Zoe", "look, Zoe", "the sea", "a hill", "the sea"]
    labels = groups_of([[caption] for caption in captions], blind(len(captions))).tolist()
    assert labels[0] == labels[1] == labels[2] not in labels[3:]
    assert labels[3] not in labels[4:]


def test_a_person_of_whom_some_posts_say_a_part_of_the_name_is_one():
    names = ["Anna", "Anna Ray", "Ray", "Bob Ray", "Zoe", "Zoe"]  # nobody knows whose name is Ray
    captions = [[f"look, {name} is here"] for name in names for _ in range(2)] + [["a hill"]] * 12
    labels = groups_of(captions, blind(len(captions))).tolist()[:12]
    assert labels[0] == labels[3]
    assert len(set(labels)) == 4


def test_posts_of_the_one_whom_most_name_are_apart_by_what_else_is_alike():
    captions = [[text.format("Anna")] for text in PHRASES for _ in range(6)] + [["the sea"]] * 6
    photos = F.normalize(torch.eye(5).repeat_interleave(6, dim=0), dim=1)
    assert groups_of(captions, photos).equal(group(likeness(captions, photos)))


def test_posts_go_by_a_person_rather_than_by_a_place():
    people = ["Anna", "Bob Ray", "Zoe"]
    captions = [[f"{name} {where}"] for name in people for where in ("in Rome", "here", "again, in Rome", "near Rome")]
    captions += [["a hill"], ["the sea"]] * 8
    labels = groups_of(captions, blind(len(captions))).tolist()[:12]
    assert [len(set(labels[n : n + 4])) for n in (0, 4, 8)] == [1, 1, 1]
    assert len(set(labels)) == 3


def test_without_words_in_common_the_photos_decide():
    photos = torch.eye(10).repeat_interleave(3, dim=0)
    labels = group(likeness([["a photo"]] * 30, photos))
    assert labels.view(10, 3).eq(labels[::3, None]).all()


@given(st.lists(st.lists(st.text(max_size=12), max_size=2), min_size=1, max_size=6))
def test_any_caption_has_a_place(captions):
    features = likeness(captions, blind(len(captions)))
    assert torch.allclose(features.norm(dim=1), torch.ones(len(captions)))
