from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.optim.adversarial import centres_of, elsewhere, group, pull


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clumps(seed: int, clumps: int, each: int) -> torch.Tensor:
    """Features that lie in tight clumps around axes of their own."""
    axes = torch.eye(clumps, clumps + 2).repeat_interleave(each, dim=0)
    return F.normalize(axes + 0.05 * torch.randn(axes.shape, generator=seeded(seed)), dim=1)


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 99))
def test_groups_are_numbered_without_gaps_and_none_is_empty(photos, count, seed):
    features = F.normalize(torch.randn(photos, 5, generator=seeded(seed)), dim=1)
    labels = group(features, count, seeded(seed))
    assert labels.shape == (photos,)
    assert sorted(labels.unique().tolist()) == list(range(int(labels.max()) + 1))
    assert int(labels.max()) < min(photos, count)
    centres = centres_of(features, labels)
    assert torch.allclose(centres.norm(dim=1), torch.ones(len(centres)))


@given(st.integers(2, 6), st.integers(2, 5), st.integers(0, 99))
def test_no_group_holds_photos_of_two_clumps_when_there_are_groups_enough(several, each, seed):
    features = clumps(seed, several, each)
    labels = group(features, several * each, seeded(seed))
    clump = torch.arange(several).repeat_interleave(each)
    assert all(len(clump[labels == number].unique()) == 1 for number in labels.unique())


@given(st.integers(2, 12), st.integers(0, 99))
def test_every_group_goes_to_another_and_no_two_to_one(groups, seed):
    centres = F.normalize(torch.randn(groups, 3, generator=seeded(seed)), dim=1)
    goes = elsewhere(centres).tolist()
    assert sorted(goes) == list(range(groups))
    assert all(a != b for a, b in enumerate(goes))


def test_a_group_goes_to_what_is_unlike_it():
    women, men = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    centres = torch.stack([women, women, men, men]) + 0.1 * torch.randn(4, 3, generator=seeded(0))
    goes = elsewhere(F.normalize(centres, dim=1)).tolist()
    assert {goes[0], goes[1]} == {2, 3}
    assert {goes[2], goes[3]} == {0, 1}


def test_the_pull_is_least_where_photos_look_like_the_wanted_group():
    centres, wanted = torch.eye(3), torch.tensor([2, 0])
    there, elsewhere_ = centres[wanted], centres[[0, 1]]
    assert pull(there, centres, wanted, torch.tensor(20.0)) < 1e-6
    assert pull(elsewhere_, centres, wanted, torch.tensor(20.0)) > 10
