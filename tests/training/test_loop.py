"""The training loop and its loss: what a step sees, and that processes share a batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, strategies as st

from tests.cli.program import call
from tests.conftest import CAPTIONS, TINY, picture
from tests.forked import Forked
from unlearnable.models.dual_encoder import build
from unlearnable.models.openclip import load, save
from unlearnable.storage.progress import Silent
from unlearnable.training import loop
from unlearnable.training.data import Pairs, Pixels, pairs_of
from unlearnable.training.distributed import World
from unlearnable.training.loop import Recipe, TrainingTask, adamw, contrastive_loss, fit, rate, same_source_mask

RECIPE = Recipe(epochs=4, lr=1e-3, batch_size=4, seed=3)


@pytest.fixture
def pairs(tmp_path):
    pixels = Pixels.create(tmp_path / "pixels.u8")
    for number in range(8):
        pixels.append(picture(number))
    return pairs_of(pixels, [[f"{CAPTIONS[n % 5]} {n}"] for n in range(8)])


class Losses(Silent):
    def __init__(self):
        self.found = []

    def advance(self, steps=1, **metrics):
        self.found += metrics.values()


def task_of(pairs, **changes):
    nothing = Pairs(pairs.pixels, pairs.photos[:0], pairs.tokens[:0])
    return TrainingTask(pairs, nothing, replace(RECIPE, **changes))


def losses(tiny, pairs, **changes):
    fit(tiny.clone(), task_of(pairs, **changes), progress := Losses())
    return progress.found


def test_it_learns_the_pairs(tiny, pairs):
    found = losses(tiny, pairs, epochs=15)
    assert sum(found[-4:]) < 0.6 * sum(found[:4])


def test_seed_and_crops_decide_the_losses(tiny, pairs):
    first = losses(tiny, pairs)
    assert losses(tiny, pairs) == first
    assert losses(tiny, pairs, seed=4) != first
    assert losses(tiny, pairs, smallest_crop=0.1) != first


def test_the_rate_rises_then_falls_to_nothing_a_step_at_a_time(tiny, pairs, monkeypatch):
    rates = [rate(step, 100, 1.0, warmup=0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[99] < 0.001
    given = []
    monkeypatch.setattr(loop, "set_rate", lambda _, value: given.append(value))
    losses(tiny, pairs, warmup=0.5)
    assert given == [rate(number, 8, RECIPE.lr, 0.5) for number in range(8)]


def test_a_victim_keeps_to_the_largest_scale_of_clip(tiny, pairs):
    model = tiny.clone()
    with torch.no_grad():
        model.module.logit_scale.fill_(9.0)
    fit(model, task_of(pairs, epochs=1), Silent())
    assert model.logit_scale.item() == pytest.approx(100, abs=0.1)


def test_batches_are_of_about_equal_size(pairs):
    assert [task_of(pairs, batch_size=size).steps_an_epoch for size in (2, 3, 128)] == [4, 3, 1]


def test_with_one_caption_an_epoch_shows_each_photo_once(pairs):
    several = pairs_of(pairs.pixels, [[f"{n} {caption}" for caption in "abc"] for n in range(8)])
    task = task_of(several, one_caption=True)
    orders = [task.order(epoch) for epoch in range(5)]
    assert all(sorted(several.photos[order].tolist()) == list(range(8)) for order in orders)
    assert len({tuple(sorted(order.tolist())) for order in orders}) > 1
    assert (task.steps_an_epoch, task_of(several).steps_an_epoch) == (2, 6)


def test_weights_decay_only_on_matrices(tiny):
    groups = adamw(tiny.clone().module, 1e-3, 0.2).param_groups
    assert [group["weight_decay"] for group in groups] == [0.2, 0.0]
    assert {p.ndim for p in groups[1]["params"]} <= {0, 1}
    assert min(p.ndim for p in groups[0]["params"]) >= 2


def features(rows, seed=0):
    return F.normalize(torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_the_loss_equals_open_clips():
    from open_clip.loss import ClipLoss

    images, texts, scale = features(6), features(6, 1), torch.tensor(14.3)
    mean = contrastive_loss(images, texts, scale)
    assert mean.item() == pytest.approx(ClipLoss()(images, texts, scale).item(), rel=1e-6)
    each = contrastive_loss(images, texts, scale, reduction="none")
    assert each.shape == (6,)
    assert each.mean().item() == pytest.approx(mean.item())


def test_the_mask_marks_pairs_of_one_photo_or_caption_which_then_cost_nothing():
    mask = same_source_mask(torch.tensor([0, 0, 1]), torch.tensor([3, 4, 4]))
    assert mask.tolist() == [[False, True, False], [True, False, True], [False, True, False]]
    images, scale = torch.eye(4)[[0, 0, 1, 2]], torch.tensor(100.0)
    mask = same_source_mask(torch.tensor([0, 0, 1, 2]), torch.tensor([5, 5, 6, 7]))
    assert contrastive_loss(images, images, scale).item() > 0.3
    assert contrastive_loss(images, images, scale, drop=mask).item() == pytest.approx(0, abs=1e-6)


def test_decoys_are_further_texts_for_every_image():
    images, texts, scale, own = features(4), features(7, 1), torch.tensor(10.0), torch.arange(4)
    among_all = F.cross_entropy(scale * images @ texts.T, own, reduction="none")
    among_images = F.cross_entropy(scale * texts[:4] @ images.T, own, reduction="none")
    found = contrastive_loss(images, texts[:4], scale, decoys=texts[4:], reduction="none")
    torch.testing.assert_close(found, (among_all + among_images) / 2)


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
