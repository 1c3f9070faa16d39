"""What every attacker keeps to, whichever it is."""

from __future__ import annotations

import hashlib
import math

import pytest
import torch

from tests.conftest import TINY
from unlearnable.models.dual_encoder import build
from unlearnable.storage.progress import Silent
from unlearnable.training.data import Pairs
from unlearnable.training.loop import Recipe, TrainingTask, fit
from unlearnable.verify.attackers import ATTACKERS

RECIPE = Recipe(epochs=3, lr=1e-3, batch_size=4, seed=3)
TOWERS = {
    "vit": TINY["vision_cfg"],
    "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
    "timm": {"timm_model_name": "tf_efficientnet_lite0", "timm_pool": "avg", "timm_proj": "linear", "image_size": 32},
}


@pytest.fixture(params=ATTACKERS)
def attacker(request):
    return ATTACKERS[request.param]


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


def trained(attacker, pairs, tower="vit", checkpoint=None, progress=None):
    model = victim(tower)
    task = TrainingTask(attacker.choose(model, pairs), pairs, RECIPE, checkpoint, "key", attacker)
    history = fit(model, task, progress or Silent()).epochs
    return model.module.state_dict(), history


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("tower", TOWERS)
def test_it_trains_and_the_same_seed_gives_the_same_weights(attacker, pairs, tower):
    before = victim(tower).module.state_dict()
    weights, history = trained(attacker, pairs, tower)
    again, history_again = trained(attacker, pairs, tower)
    assert all(epoch.loss is not None and math.isfinite(epoch.loss) for epoch in history)
    assert not same(weights, before)
    assert same(weights, again)
    assert history == history_again


def test_a_training_that_is_resumed_gives_the_weights_of_one_that_was_not_stopped(attacker, pairs, tmp_path):
    whole, history = trained(attacker, pairs, "resnet")
    with pytest.raises(Stopped):
        trained(attacker, pairs, "resnet", tmp_path / "partial", StopAfter(4))
    assert (tmp_path / "partial").is_file()
    resumed, history_resumed = trained(attacker, pairs, "resnet", tmp_path / "partial")
    assert same(whole, resumed)
    assert history == history_resumed


def test_the_pairs_are_left_as_they_were(attacker, pairs):
    def state(pairs: Pairs):
        photos = b"".join(pairs.pixels[n].numpy().tobytes() for n in range(10))
        return hashlib.sha256(photos + pairs.photos.numpy().tobytes() + pairs.tokens.numpy().tobytes()).digest()

    before = state(pairs)
    trained(attacker, pairs)
    assert state(pairs) == before


def test_another_attacker_gives_other_weights(pairs):
    found = [trained(attacker, pairs)[0] for attacker in ATTACKERS.values()]
    assert not any(same(first, second) for n, first in enumerate(found) for second in found[:n])
