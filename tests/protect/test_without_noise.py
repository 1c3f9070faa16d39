"""No run ends well with photos that are not protected: damaged models, wild settings, surrogates that see nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.presets import preset
from tests.protect.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import CheckpointError, ModelError
from unlearnable.methods.steps import batch_loss
from unlearnable.models import openclip
from unlearnable.models.openclip import save
from unlearnable.protect import write
from unlearnable.storage.files import SEAL


def nothing_published(posts):
    return not (posts.parent / "photos-protected").exists()


@pytest.fixture
def damage(tiny, tmp_path):
    """A checkpoint of the tiny encoder whose weights a function has changed."""

    def make(change):
        encoder = tiny.clone()
        with torch.no_grad():
            change(encoder.module)
        save(encoder, tmp_path / "damaged.safetensors")
        return {**QUICK, "surrogate": str(tmp_path / "damaged.safetensors")}

    return make


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_weight_that_is_not_finite_is_enough_to_refuse_a_surrogate(posts, damage, value):
    settings = damage(lambda module: module.visual.conv1.weight[0, 0, 0, 0].fill_(value))
    settings["surrogate"] = (settings["surrogate"],)
    with pytest.raises(ModelError, match="weights are damaged") as caught:
        protect(posts, **settings)
    assert caught.value.exit_code == 4
    assert nothing_published(posts)


@pytest.mark.parametrize("method", ["mem", "em", "uap"])  # whose noise comes from gradients
def test_a_surrogate_that_sees_nothing_protects_nothing(posts, damage, method):
    settings = damage(lambda module: [weights.zero_() for weights in module.visual.parameters()])
    settings["surrogate"] = (settings["surrogate"],)
    with pytest.raises(ModelError, match=r"no noise|hardly be protected"):
        protect(posts, method=method, **settings)
    assert nothing_published(posts)


@pytest.mark.parametrize("bit", [30, 28])
@pytest.mark.parametrize("weight", ["visual.proj"])
def test_a_flipped_exponent_bit_never_ends_in_a_report_without_noise(posts, tiny_path, tmp_path, weight, bit):
    state = load_file(tiny_path)
    flat = state[weight].flatten()
    flat[3:4] = (flat[3:4].view(torch.int32) ^ (1 << bit)).view(torch.float32)
    state[weight] = flat.view(state[weight].shape)
    header = {"config": _header(tiny_path)["config"], "mean": [0.5] * 3, "std": [0.5] * 3}
    save_file(state, tmp_path / "flipped.safetensors", metadata={"unlearnable": json.dumps(header)})
    try:
        report = protect(
            posts, captions=posts / "posts.jsonl", surrogate=(str(tmp_path / "flipped.safetensors"),), **QUICK
        )
    except ModelError:
        assert nothing_published(posts)
    else:
        assert report.loss_last < report.loss_first
        assert all(line["linf"] > 0 for line in _manifest(posts))


def test_weights_that_do_not_fit_their_checksum_are_refused(tiny_path, tmp_path):
    raw = bytearray(tiny_path.read_bytes())
    raw[-3] ^= 1
    (tmp_path / "flipped.safetensors").write_bytes(raw)
    with pytest.raises(ModelError, match="checksum"):
        openclip.load(str(tmp_path / "flipped.safetensors"))
    header = _header(tiny_path)
    del header["sha256"], header[SEAL]  # as files of earlier versions, and of others
    save_file(load_file(tiny_path), tmp_path / "old.safetensors", metadata={"unlearnable": json.dumps(header)})
    assert openclip.load(str(tmp_path / "old.safetensors")).image_size == 32


@pytest.mark.parametrize("spoilt", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_not_finite_stops_the_run_and_names_round_and_model(
    posts, tiny_path, monkeypatch, spoilt
):
    from unlearnable.methods import steps

    calls = []

    class Spoil(torch.autograd.Function):
        @staticmethod
        def forward(ctx, value):
            return value.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("nan")

    def spoil(model, pixels, *arguments, **options):
        calls.append(1)
        if len(calls) < 6:  # the first round begins with two training steps
            return batch_loss(model, pixels, *arguments, **options)
        if spoilt == "gradient":
            return batch_loss(model, Spoil.apply(pixels), *arguments, **options)
        return batch_loss(model, pixels, *arguments, **options) * float("nan")

    monkeypatch.setattr(steps, "batch_loss", spoil)
    with pytest.raises(ModelError, match=rf"round \d: the {spoilt} of .*tiny.* is not a finite number"):
        protect(posts, captions=posts / "posts.jsonl", surrogate=(str(tiny_path),), **QUICK)
    assert nothing_published(posts)


def test_posts_whose_loss_is_not_clearly_lower_are_not_published(posts, tiny_path, monkeypatch):
    more: dict[str, Any] = {"preset": preset(max_rounds=4)}
    genuine = write.CLEARLY
    monkeypatch.setattr(write, "CLEARLY", 0.1)
    with pytest.raises(ModelError, match="hardly be protected") as caught:
        protect(posts, captions=posts / "posts.jsonl", surrogate=(str(tiny_path),), **QUICK)
    assert caught.value.exit_code == 4
    assert nothing_published(posts)
    monkeypatch.setattr(write, "CLEARLY", genuine)
    with pytest.raises(CheckpointError):  # other settings do not continue that run
        protect(posts, captions=posts / "posts.jsonl", surrogate=(str(tiny_path),), resume=True, **more)
    assert "`overwrite=True`" in caught.value.hint
    report = protect(posts, captions=posts / "posts.jsonl", surrogate=(str(tiny_path),), overwrite=True, **more)
    assert report.protected == 8


def _header(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["unlearnable"])


def _manifest(posts):
    text = (posts.parent / "photos-protected.private" / "manifest.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]
