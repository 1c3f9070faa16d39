"""Identity inference: whom a model recognises, from its choices of names for photos."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from tests.conftest import picture
from unlearnable.models.tokens import tokenizer
from unlearnable.posts.faces import full_names
from unlearnable.training.data import Pixels, pairs_of
from unlearnable.training.retrieval import embed_texts
from unlearnable.verify import crowd
from unlearnable.verify.crowd import choices, identities, majority, recognised

NAMES, PROMPTS, PHOTOS = 50, 3, 2


def known(images: torch.Tensor, names: torch.Tensor) -> list[bool]:
    """Who of the people 0 to n, with two photos each, is recognised."""
    chosen = choices(images, names)
    return [majority(chosen[:, 2 * n : 2 * n + 2], n) for n in range(len(images) // PHOTOS)]


@given(st.integers(0, 1000), st.integers(1, NAMES))
def test_a_model_that_puts_every_face_on_its_name_recognises_everyone(seed, people):
    names = torch.eye(NAMES).expand(PROMPTS, -1, -1)
    images = torch.eye(NAMES)[:people].repeat_interleave(PHOTOS, 0)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    assert all(known(images + 0.01 * noise, names))


@given(st.integers(0, 1000))
def test_a_model_that_sees_one_face_everywhere_recognises_one_in_n(seed):
    generator = torch.Generator().manual_seed(seed)
    names = torch.randn(1, NAMES, 16, generator=generator)  # which name it prefers has nothing to do with the photo
    images = torch.randn(16, generator=generator).expand(NAMES * PHOTOS, -1)
    assert sum(known(images, names)) == 1
    several = torch.randn(PROMPTS, NAMES, 16, generator=generator)
    assert 1 <= sum(known(images, several)) <= PROMPTS


def test_a_model_that_calls_everyone_everything_recognises_nobody():
    assert not any(known(torch.ones(8, 4), torch.ones(PROMPTS, NAMES, 4)))


@pytest.mark.parametrize(
    ("votes", "wanted"),
    [
        ([[0, 0, 1]], True),
        ([[0, 1]], False),  # as often as another name
        ([[0, -1, -1]], True),  # the others could not decide
        ([[1, 1, 0], [0, 2, 0]], True),  # one prompt is enough
        ([[1, 1, 0], [2, 2, 0]], False),
        ([[-1, -1]], False),
    ],
)
def test_the_name_chosen_most_often_wins_for_each_prompt(votes, wanted):
    assert majority(torch.tensor(votes), 0) == wanted


def test_names_are_those_of_the_people_then_of_the_others_then_invented_ones(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(crowd, "NAMES", 20)
    asked = identities(["Ann Ek", "Bo Ek", "Ann Ek", None], ["Cy Ek", "Bo Ek"])
    assert (asked.people, asked.shown.tolist()) == (("Ann Ek", "Bo Ek"), [0, 1, 0, -1])
    assert asked.tokens.shape == (len(crowd.PROMPTS), 20, 77)
    assert len({tuple(name) for name in asked.tokens[0].tolist()}) == 20
    assert torch.equal(asked.tokens[0, :3], tokenizer()(["Ann Ek", "Bo Ek", "Cy Ek"]))
    pixels = Pixels.create(tmp_path / "gallery")
    for n in range(4):
        pixels.append(picture(n))
    answers = recognised(tiny, pairs_of(pixels, [["a"], ["b"], ["c"], ["d"]]), asked)
    assert len(answers) == 2
    assert identities(["Ann Ek"], []).sha256 != identities(["Bo Ek"], []).sha256


def test_no_invented_name_is_that_of_a_person_and_people_who_outnumber_the_names_are_all_asked_for(monkeypatch):
    monkeypatch.setattr(crowd, "NAMES", 5)
    names = identities([next(iter(full_names(6, 1)))]).tokens[0].tolist()
    assert len(names) == len({tuple(name) for name in names}) == 5
    monkeypatch.setattr(crowd, "NAMES", 1)
    assert identities(["Ann Ek", "Bo Ek"]).tokens.shape[1] == 2


def test_who_looks_like_their_name_is_recognised_and_who_looks_like_another_is_not(tiny, monkeypatch):
    monkeypatch.setattr(crowd, "NAMES", 6)
    monkeypatch.setattr(crowd, "PROMPTS", ("this is {name}", "{name}"))
    asked = identities(["Ann Ek", None, "Bo Ek", "Ann Ek", "Cy Ek"])
    faces = embed_texts(tiny, asked.tokens[1])[[0, 1, 1, 0, 0]]
    monkeypatch.setattr(crowd, "embed", lambda model, gallery: (faces, None, None))
    assert recognised(tiny, None, asked) == [True, True, False]
