from __future__ import annotations

import pytest
import torch

from unlearnable.models import precision
from unlearnable.storage.checksums import unseal_json


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARNABLE_CACHE", str(tmp_path / "cache"))
    precision._known.cache_clear()
    yield tmp_path / "cache" / "precision.json"
    precision._known.cache_clear()


def features(model, wanted):
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with precision.computing(model, wanted, "photo"):
        return model.encode_image(pixels)


def test_encoders_compute_in_the_format_that_is_asked_for(tiny):
    exact, coarse = features(tiny, "fp32").float(), features(tiny, "bf16").float()
    assert not torch.equal(exact, coarse)
    assert torch.allclose(exact, coarse, atol=0.05)


@pytest.mark.parametrize(("speedup", "expected"), [(1.5, True), (1.05, False), (0.5, False)])
def test_the_faster_format_is_measured_once_and_kept_for_other_runs(tiny, monkeypatch, fresh, speedup, expected):
    measured = []
    monkeypatch.setattr(precision, "speedup", lambda model, encoder: measured.append(encoder) or speedup)
    assert precision.in_bf16(tiny, "auto", "photo") is expected
    assert precision.in_bf16(tiny.clone(), "auto", "photo") is expected
    precision._known.cache_clear()  # as another process starts
    assert precision.in_bf16(tiny, "auto", "photo") is expected
    assert len(measured) == 1
    assert list(unseal_json(fresh.read_text()).values()) == [speedup]


@pytest.mark.parametrize(("speedup", "expected"), [(2.5, True), (1.5, False)])
def test_photos_in_the_mem_loss_have_fewer_digits_only_for_half_of_the_time(tiny, monkeypatch, speedup, expected):
    monkeypatch.setattr(precision, "speedup", lambda model, encoder: speedup)
    surrogate = tiny.clone(precise=True)
    assert precision.in_bf16(surrogate, "auto", "photo") is expected
    assert precision.in_bf16(surrogate, "auto", "text")
    assert precision.in_bf16(tiny, "auto", "photo")
    assert precision.in_bf16(surrogate, "bf16", "photo")


@pytest.mark.parametrize("content", ["", "[1]"])
def test_a_damaged_memory_is_measured_again(tiny, monkeypatch, fresh, content):
    fresh.parent.mkdir()
    fresh.write_text(content)
    monkeypatch.setattr(precision, "speedup", lambda model, encoder: 2.0)
    assert precision.in_bf16(tiny, "auto", "photo")


@pytest.mark.parametrize("encoder", precision.ENCODERS)
def test_measuring_leaves_the_model_as_it_was(tiny, encoder):
    model = tiny.clone()
    model.module.train()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    drawing = torch.get_rng_state()
    assert precision.speedup(model, encoder) > 0
    assert torch.equal(torch.get_rng_state(), drawing)  # else the run that measures drops out other units than the next
    assert model.module.training
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert all(weights.grad is None for weights in model.module.parameters())
