"""The detectors of odd words that the scripts use."""

from __future__ import annotations

import math
from importlib import import_module
from pathlib import Path

import pytest

from tests.evaluation.test_stealth import judge


@pytest.fixture
def suspicion(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "tools" / "bench"))
    return import_module("suspicion")


def test_nats_are_of_the_whole_caption(suspicion):
    assert suspicion.nats(judge, ["a odd b", ""]) == [7.0, 0.0]


def test_onion_suspects_the_word_whose_loss_helps_most(suspicion):
    scores = suspicion.onion(judge, "a odd b")
    assert scores.index(max(scores)) == 1
    assert scores[1] == pytest.approx(math.exp(7 / 3) - math.exp(1))
    assert suspicion.onion(judge, "odd") == [0.0]
    assert suspicion.onion(judge, "") == []


def test_words_outside_a_list(suspicion):
    assert suspicion.share_outside("The (dog) 'runz' , 😀 fast!", {"the", "dog", "fast"}) == 1 / 4
    assert suspicion.share_outside("", {"a"}) == 0
