from __future__ import annotations

import pytest
import torch

from unlearnable.models import dual_encoder
from unlearnable.storage.files import unseal_json


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARNABLE_CACHE", str(tmp_path / "cache"))
    dual_encoder._speedups.clear()
    yield tmp_path / "cache" / "precision.json"
    dual_encoder._speedups.clear()


def features(model, wanted):
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with dual_encoder.computing(model, wanted, "photo"):
        return model.encode_image(pixels)


def test_encoders_compute_in_the_format_that_is_asked_for(tiny):
    exact, coarse = features(tiny, "fp32").float(), features(tiny, "bf16").float()
    assert not torch.equal(exact, coarse)
    assert torch.allclose(exact, coarse, atol=0.05)


@pytest.mark.parametrize(("speedup", "expected"), [(1.5, True), (1.05, False), (0.5, False)])
def test_the_faster_format_is_measured_once_and_kept_for_other_runs(tiny, monkeypatch, fresh, speedup, expected):
    measured = []
    monkeypatch.setattr(dual_encoder, "speedup", lambda model, encoder: measured.append(encoder) or speedup)
    assert dual_encoder.in_bf16(tiny, "auto", "photo") is expected
    assert dual_encoder.in_bf16(tiny.clone(), "auto", "photo") is expected
    dual_encoder._speedups.clear()  # as another process starts
    assert dual_encoder.in_bf16(tiny, "auto", "photo") is expected
    assert len(measured) == 1
    assert list(unseal_json(fresh.read_text()).values()) == [speedup]


@pytest.mark.parametrize(("speedup", "expected"), [(2.5, True), (1.5, False)])
def test_photos_in_the_mem_loss_have_fewer_digits_only_for_half_of_the_time(tiny, monkeypatch, speedup, expected):
    monkeypatch.setattr(dual_encoder, "speedup", lambda model, encoder: speedup)
    surrogate = tiny.clone(precise=True)
    assert dual_encoder.in_bf16(surrogate, "auto", "photo") is expected
    assert dual_encoder.in_bf16(surrogate, "auto", "text")
    assert dual_encoder.in_bf16(tiny, "auto", "photo")
    assert dual_encoder.in_bf16(surrogate, "bf16", "photo")


@pytest.mark.parametrize("encoder", dual_encoder.ENCODERS)
def test_measuring_leaves_the_model_as_it_was(tiny, encoder):
    model = tiny.clone()
    model.module.train()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    drawing = torch.get_rng_state()
    assert dual_encoder.speedup(model, encoder) > 0
    assert torch.equal(torch.get_rng_state(), drawing)  # else the run that measures drops out other units than the next
    assert model.module.training
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert all(weights.grad is None for weights in model.module.parameters())
