"""What every attacker keeps to, whichever it is."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.conftest import TINY
from unlearnable.models.dual_encoder import build
from unlearnable.storage.progress import Silent
from unlearnable.training.loop import Recipe, TrainingTask, fit
from unlearnable.verify.attackers import ATTACKERS

RECIPE = Recipe(epochs=3, lr=1e-3, batch_size=4, seed=3)
TOWERS = {
    "vit": TINY["vision_cfg"],
    "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
    "timm": {"timm_model_name": "tf_efficientnet_lite0", "timm_pool": "avg", "timm_proj": "linear", "image_size": 32},
}


def victim(tower="vit"):
    torch.manual_seed(0)
    model = build(tower, TINY | {"vision_cfg": TOWERS[tower]}, (0.5,) * 3, (0.5,) * 3)
    model.module.eval()
    return model


class Stopped(Exception):
    pass


class StopAfter(Silent):
    """Progress that stops a training after some steps."""

    def __init__(self, steps):
        self.left = steps

    def advance(self, steps=1, **metrics):
        self.left -= steps
        if self.left < 0:
            raise Stopped


def trained(name, pairs, tower="vit", checkpoint=None, progress=None):
    """The weights of a victim that an attacker trained, and its epochs."""
    model, attacker = victim(tower), ATTACKERS[name]
    task = TrainingTask(attacker.choose(model, pairs), pairs, RECIPE, checkpoint, "key", attacker)
    history = fit(model, task, progress or Silent()).epochs
    return model.module.state_dict(), history


@pytest.fixture(scope="module")
def whole():
    """`trained` of each attacker and tower, once; the pairs of every test are the same."""
    found: dict[tuple[str, str], Any] = {}

    def get(name, pairs, tower="vit"):
        if (name, tower) not in found:
            found[name, tower] = trained(name, pairs, tower)
        return found[name, tower]

    return get


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", ATTACKERS)
@pytest.mark.parametrize("tower", TOWERS)
def test_it_trains_and_leaves_the_pairs_as_they_were(whole, name, pairs, tower):
    before = [pairs.pixels[n].clone() for n in range(10)], pairs.photos.clone(), pairs.tokens.clone()
    weights, history = whole(name, pairs, tower)
    assert all(epoch.loss is not None and math.isfinite(epoch.loss) for epoch in history)
    assert not same(weights, victim(tower).module.state_dict())
    assert all(torch.equal(pairs.pixels[n], photo) for n, photo in enumerate(before[0]))
    assert torch.equal(pairs.photos, before[1])
    assert torch.equal(pairs.tokens, before[2])


@pytest.mark.parametrize("name", ATTACKERS)
def test_a_training_that_is_resumed_gives_the_weights_of_one_that_was_not_stopped(whole, name, pairs, tmp_path):
    with pytest.raises(Stopped):
        trained(name, pairs, "resnet", tmp_path / "partial", StopAfter(4))
    assert (tmp_path / "partial").is_file()
    weights, history = trained(name, pairs, "resnet", tmp_path / "partial")
    assert same(weights, whole(name, pairs, "resnet")[0])
    assert history == whole(name, pairs, "resnet")[1]


def test_another_attacker_gives_other_weights(whole, pairs):
    found = [whole(name, pairs)[0] for name in ATTACKERS]
    assert not any(same(first, second) for n, first in enumerate(found) for second in found[:n])
