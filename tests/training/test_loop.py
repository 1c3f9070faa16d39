"""The training loop: what it sees, that it goes on where it stopped, and that processes share a batch."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.program import call
from tests.conftest import CAPTIONS, TINY, picture
from tests.forked import Forked
from unlearnable.models.dual_encoder import build
from unlearnable.models.openclip import load, save
from unlearnable.training.data import Pixels, pairs_of
from unlearnable.training.distributed import World
from unlearnable.training.loop import Learner, Recipe, _order, adamw, rate, steps_an_epoch, train

RECIPE = Recipe(epochs=4, lr=1e-3, batch_size=4, seed=3)


@pytest.fixture
def pairs(tmp_path):
    pixels = Pixels.create(tmp_path / "pixels.u8")
    for number in range(8):
        pixels.append(picture(number))
    return pairs_of(pixels, [[f"{CAPTIONS[n % 5]} {n}"] for n in range(8)])


def run(tiny, pairs, recipe=RECIPE, done=0, model=None, optimiser=None, until=None):
    model = model or tiny.clone()
    optimiser = optimiser or adamw(model.module, recipe.lr, recipe.weight_decay)
    losses = []
    for step in train(Learner(model, optimiser, pairs, recipe), done=done):
        losses.append(step.loss)
        if step.number == until:
            break
    return model, optimiser, losses


def test_it_learns_the_pairs(tiny, pairs):
    losses = run(tiny, pairs, replace(RECIPE, epochs=15))[2]
    assert sum(losses[-4:]) < 0.6 * sum(losses[:4])


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(tiny, pairs):
    first, second = (run(tiny, pairs)[2] for _ in range(2))
    other = run(tiny, pairs, replace(RECIPE, seed=4))[2]
    assert first == second
    assert first != other


def test_a_stopped_training_goes_on_to_the_same_bits(tiny, pairs):
    whole, _, losses = run(tiny, pairs)
    model, optimiser, begun = run(tiny, pairs, until=3)
    weights, moments = copy.deepcopy(model.module.state_dict()), copy.deepcopy(optimiser.state_dict())
    model, optimiser = tiny.clone(), None
    model.module.load_state_dict(weights)
    optimiser = adamw(model.module, RECIPE.lr, RECIPE.weight_decay)
    optimiser.load_state_dict(moments)
    _, _, rest = run(tiny, pairs, done=3, model=model, optimiser=optimiser)
    assert begun + rest == losses
    assert all(torch.equal(a, b) for a, b in zip(whole.module.parameters(), model.module.parameters(), strict=True))


def test_the_rate_rises_then_falls_to_nothing():
    rates = [rate(step, 100, 1.0, warmup=0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[99] < 0.001


def test_every_step_has_the_rate_of_its_place(tiny, pairs):
    model, recipe = tiny.clone(), replace(RECIPE, warmup=0.5)
    optimiser = adamw(model.module, 1.0, recipe.weight_decay)
    steps = train(Learner(model, optimiser, pairs, recipe))
    rates = [{group["lr"] for group in optimiser.param_groups} for _ in steps]
    assert rates == [{rate(number, 8, recipe.lr, 0.5)} for number in range(8)]


def test_crops_are_as_small_as_the_recipe_says(tiny, pairs):
    first, small = (run(tiny, pairs, replace(RECIPE, smallest_crop=share))[2] for share in (1.0, 0.1))
    assert first[0] != small[0]


def test_a_victim_keeps_to_the_largest_scale_of_clip(tiny, pairs):
    model = tiny.clone()
    with torch.no_grad():
        model.module.logit_scale.fill_(9.0)
    run(tiny, pairs, model=model, until=1)
    assert model.logit_scale.item() == pytest.approx(100)


def test_batches_are_of_about_equal_size(pairs):
    assert [steps_an_epoch(pairs, replace(RECIPE, batch_size=size)) for size in (2, 3, 128)] == [4, 3, 1]


def test_with_one_caption_an_epoch_shows_each_photo_once(pairs):
    several = pairs_of(pairs.pixels, [[f"{n} {caption}" for caption in "abc"] for n in range(8)])
    recipe = replace(RECIPE, one_caption=True)
    orders = [_order(several, recipe, epoch) for epoch in range(5)]
    assert all(sorted(several.photos[order].tolist()) == list(range(8)) for order in orders)
    assert len({tuple(sorted(order.tolist())) for order in orders}) > 1
    assert (steps_an_epoch(several, recipe), steps_an_epoch(several, RECIPE)) == (2, 6)


def test_weights_decay_only_on_matrices(tiny):
    groups = adamw(tiny.clone().module, 1e-3, 0.2).param_groups
    assert [group["weight_decay"] for group in groups] == [0.2, 0.0]
    assert {p.ndim for p in groups[1]["params"]} <= {0, 1}
    assert min(p.ndim for p in groups[0]["params"]) >= 2


@given(count=st.integers(1, 40), size=st.integers(1, 7))
def test_the_shares_of_all_processes_are_of_one_length_and_begin_with_the_batch(count, size):
    shares = [World(rank, size).share(count) for rank in range(size)]
    assert len({len(share) for share in shares}) == 1
    assert [row for share in shares for row in share][:count] == list(range(count))


CHILD = """
import json, sys
from unlearnable.cli.app import main
sys.argv = ["unlearnable", *json.loads(sys.argv[1])]
main()
"""


@pytest.fixture
def model(request, tiny_path, tmp_path):
    """A path of a tiny model: the ViT of all tests, or one whose normalisations look at the whole batch."""
    if request.param == "vit":
        return tiny_path
    vision = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8}
    torch.manual_seed(0)
    save(build("resnet", TINY | {"vision_cfg": vision}, (0.5,) * 3, (0.5,) * 3), tmp_path / "resnet.safetensors")
    return tmp_path / "resnet.safetensors"


# AdamW makes steps out of the rounding of gradients that are zero before a normalisation, so that one is short
@pytest.mark.parametrize(("model", "batch", "epochs"), [("vit", 3, 4), ("resnet", 4, 2)], indirect=["model"])
def test_two_processes_give_the_loss_curve_of_one(model, batch, epochs, posts, tmp_path):
    arguments = ["train", "--data", posts, "--model", model, "--output", tmp_path / "m.safetensors", "--json"]
    arguments += ["--epochs", epochs, "--lr", "3e-4", "--batch-size", batch, "--test-fraction=0", "--device=cpu"]
    one = json.loads(call(*arguments).stdout)
    port = str(20_000 + os.getpid() % 20_000)
    base = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    base |= {"WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "true"}
    children = [
        Forked(
            [sys.executable, "-c", CHILD, json.dumps([*map(str, arguments), "--overwrite"])],
            env=base | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [0, 0], outputs
    two = json.loads(outputs[0][0])
    assert outputs[1][0] == ""
    assert (one["processes"], two["processes"]) == (1, 2)
    assert load(str(tmp_path / "m.safetensors")).image_size == 32
    assert one["loss_curve"][-1] != one["loss_curve"][0]
    assert two["loss_curve"] == pytest.approx(one["loss_curve"], abs=1e-4)
