"""Groups of posts of the same people or things, and the directions that their features are to shift."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given, strategies as st

from unlearnable.methods import proxies
from unlearnable.methods.proxies import group, group_shift, groups_of, likeness, person_shift, target_groups

PHRASES = ("{} backstage before the show", "look who I met: {}!", "a close-up of {}", "throwback to a day with {}")
NAMES = ("Anna", "Bob Ray", "Ines", "Mbeki", "Li Wei", "Zoe", "Omar", "Pia", "Ken Ito", "Ada")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clumps(seed: int, clumps: int, each: int) -> torch.Tensor:
    """Features that lie in tight clumps around axes of their own."""
    axes = torch.eye(clumps, clumps + 2).repeat_interleave(each, dim=0)
    return F.normalize(axes + 0.05 * torch.randn(axes.shape, generator=seeded(seed)), dim=1)


@given(st.integers(1, 30), st.integers(0, 99))
def test_groups_are_numbered_without_gaps_and_none_is_empty(posts, seed):
    labels = group(F.normalize(torch.randn(posts, 5, generator=seeded(seed)), dim=1))
    assert labels.shape == (posts,)
    assert sorted(labels.unique().tolist()) == list(range(int(labels.max()) + 1))


@given(st.integers(8, 12), st.integers(2, 5), st.integers(0, 99))
def test_posts_that_lie_close_together_are_a_group(several, each, seed):
    labels = group(clumps(seed, several, each))
    assert labels.view(several, each).eq(labels[::each, None]).all()
    assert int(labels.max()) == several - 1


def test_few_groups_are_split_and_many_are_joined(monkeypatch):
    assert int(group(clumps(0, 2, 10)).max()) == proxies.FEWEST - 1
    monkeypatch.setattr(proxies, "MOST", 20)
    several = F.normalize(torch.randn(100, 64, generator=seeded(0)), dim=1)
    sizes = group(several).bincount()
    assert len(sizes) == 20
    assert int(sizes.max()) <= 20


@given(st.integers(2, 40), st.integers(0, 99))
def test_every_group_goes_to_as_many_others_and_each_is_gone_to_as_often(groups, seed):
    goes = target_groups(F.normalize(torch.randn(groups, 3, generator=seeded(seed)), dim=1))
    assert goes.shape == (max(1, min(proxies.AT_ONCE, (groups - 1) // 2)), groups)
    assert goes.sort(dim=1).values.eq(torch.arange(groups)).all()
    for group_, others in enumerate(goes.T.tolist()):
        assert len({group_, *others}) == 1 + len(others)


def test_a_group_goes_to_those_that_are_unlike_it():
    kinds = torch.eye(2, 3).repeat_interleave(3, dim=0)
    goes = target_groups(F.normalize(kinds + 0.1 * torch.randn(kinds.shape, generator=seeded(0)), dim=1))
    assert len(goes) == 2
    assert ((goes < 3) == torch.tensor([False] * 3 + [True] * 3)).all()


def test_the_shift_is_away_from_a_photo_and_its_words_towards_those_of_the_wanted_groups():
    images, texts = torch.eye(10)[[0, 1, 2, 3, 4]], torch.eye(10)[[5, 5, 6, 6, 7]]
    labels = torch.tensor([0, 0, 1, 1, 2])
    one, both = (group_shift(images, texts, labels, torch.tensor(to)) for to in ([[1, 0, 0]], [[1, 0, 0], [2, 2, 1]]))
    half = 0.5**0.5
    assert torch.allclose(one[0], torch.tensor([1, 0, -half, -half, 0, 1, -1, 0, 0, 0]))
    assert torch.allclose(both[0], torch.tensor([1, 0, -half / 2, -half / 2, -0.5, 1, -0.5, -0.5, 0, 0]))
    assert (one @ images.T).argmax(dim=1).tolist() == [0, 1, 2, 3, 4]


def test_the_posts_of_one_person_depart_from_what_they_have_in_common():
    images = F.normalize(torch.tensor([[1.0, 1, 0, 0], [1, 0, 1, 0]]), dim=1)
    goes = person_shift(images, torch.eye(4)[[3, 3]])
    shared = F.normalize(torch.tensor([2.0, 1, 1, 0]), dim=0) + torch.eye(4)[3]
    assert torch.allclose(goes, images + shared)


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


def test_posts_of_the_one_whom_most_name_are_apart_by_what_else_is_alike():
    captions = [[text.format("Anna")] for text in PHRASES for _ in range(6)] + [["the sea"]] * 6
    photos = F.normalize(torch.eye(5).repeat_interleave(6, dim=0), dim=1)
    assert groups_of(captions, photos).equal(group(likeness(captions, photos)))


@given(st.lists(st.lists(st.text(max_size=12), max_size=2), min_size=1, max_size=6))
def test_any_caption_has_a_place(captions):
    features = likeness(captions, blind(len(captions)))
    assert torch.allclose(features.norm(dim=1), torch.ones(len(captions)))
