"""How long trainings are said to take, with the asking for names after each."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from unlearnable.benchmarks import estimate as of_benchmark
from unlearnable.config import AS_USUAL, Recipe
from unlearnable.training.attacker import PLAIN
from unlearnable.verify import plan as of_verify
from unlearnable.verify import victims
from unlearnable.verify.identity import Identities

stub: Any = SimpleNamespace
ASKED = Identities(("Ada Cox",), torch.zeros(1), torch.zeros(21, 6, 77, dtype=torch.long))


def test_asking_takes_as_long_as_one_prompt_for_each_of_them(monkeypatch):
    read = []
    monkeypatch.setattr(victims, "embed_texts", lambda _, tokens: read.append(tuple(tokens.shape)) or time.sleep(0.01))
    assert 0.21 <= victims.asking_seconds(None, ASKED) < 21
    assert read == [(6, 77)]
    assert victims.asking_seconds(None, None) == 0


@pytest.mark.parametrize(("asked", "said"), [(ASKED, "about 2.0 h"), (None, "about 2 s")])
def test_the_estimate_of_verify_holds_the_asking_after_each_training(asked, said, pairs, monkeypatch):
    monkeypatch.setattr(of_verify, "step_seconds", lambda *_: 1.0)
    monkeypatch.setattr(of_verify, "asking_seconds", lambda _, people: 3600.0 if people else 0.0)
    experiment = stub(pool=stub(start=lambda *_: None), identities=asked)
    recipe, arm = Recipe(epochs=1, lr=1e-3, batch_size=16), stub(pairs=lambda: pairs)
    trainings = [of_verify.Training("small", arm, AS_USUAL, PLAIN, recipe) for _ in range(2)]
    assert of_verify.estimate(experiment, trainings, 0) == f"2 trainings to run, {said}"


def test_the_estimate_of_a_benchmark_of_people_holds_it_too(pairs, monkeypatch):
    monkeypatch.setattr(of_benchmark, "step_seconds", lambda *_: 1.0)
    monkeypatch.setattr(of_benchmark, "asking_seconds", lambda _, people: 3600.0 if people else 0.0)
    monkeypatch.setattr(of_benchmark, "pairs_of", lambda *_: pairs)
    recipe = Recipe(epochs=3, lr=1e-3, batch_size=16)
    bench = stub(
        setup=stub(scale=stub(recipe=recipe), victims=["small"]),
        train=stub(pixels=None, captions=None),
        experiment=stub(pool=stub(start=lambda *_: None), identities=ASKED),
    )
    assert of_benchmark.training_seconds(bench) == {"small": 3603.0}
