"""What trainings start from, and what tells their results apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from unlearnable.models.openclip import save
from unlearnable.training.data import Pairs
from unlearnable.training.loop import Recipe
from unlearnable.verify.cells import Experiment, digest_of
from unlearnable.verify.victims import ModelPool


@pytest.fixture(scope="module")
def name(tiny_path):
    return str(tiny_path)


def weights(model):
    return torch.cat([one.detach().flatten() for one in model.module.parameters()])


def test_a_training_leaves_the_start_of_the_next_one_as_it_was(name):
    pool = ModelPool("cpu", from_scratch=False)
    start = weights(pool.pretrained(name))
    with torch.no_grad():
        for one in pool.start(name, 0).module.parameters():
            one.add_(1.0)
    assert torch.equal(weights(pool.start(name, 0)), start)
    assert torch.equal(weights(pool.start(name, 1)), start)


def test_from_scratch_the_seed_decides_the_weights_and_nothing_else_does(name, tiny):
    pool = ModelPool("cpu", from_scratch=True)
    first, again, other = (weights(pool.start(name, seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, weights(tiny))


def test_whatever_a_result_depends_on_makes_another_cell(name, tiny, tmp_path):
    gallery = Pairs([], torch.zeros(0, dtype=torch.long), torch.zeros(0, 77, dtype=torch.long))
    experiment = Experiment(ModelPool("cpu", from_scratch=True), gallery, "gallery", version="1", queries=4)
    tuned, other = replace(experiment, pool=ModelPool("cpu", from_scratch=False)), tiny.clone()
    with torch.no_grad():
        other.module.visual.conv1.weight.add_(1.0)
    save(other, tmp_path / "other.safetensors")
    recipe = Recipe(epochs=1, lr=1e-3, batch_size=4, seed=0, precision="fp32")
    keys = [
        experiment.key(name, "arm", recipe, 0),
        experiment.key(name, "another", recipe, 0),
        experiment.key(name, "arm", replace(recipe, lr=1e-4), 0),
        experiment.key(name, "arm", replace(recipe, seed=1), 0),
        experiment.key(name, "arm", replace(recipe, precision="bf16"), 0),
        experiment.key(name, "arm", recipe, 1),
        experiment.key(name, "arm", recipe, 0, attacker="cutout"),
        replace(experiment, gallery_digest="another").key(name, "arm", recipe, 0),
        replace(experiment, version="2").key(name, "arm", recipe, 0),
        replace(experiment, queries=5).key(name, "arm", recipe, 0),
        tuned.key(name, "arm", recipe, 0),
        tuned.key(str(tmp_path / "other.safetensors"), "arm", recipe, 0),
    ]
    assert len(set(map(digest_of, keys))) == len(keys)
    assert experiment.key(name, "arm", replace(recipe, precision="auto"), 0) in keys  # it is one of both
    assert tuned.key(name, "arm", recipe, 1) == tuned.key(name, "arm", recipe, 0)  # its weights are not drawn
