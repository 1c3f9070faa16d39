"""Batch norm by the batch, without a trace."""

from __future__ import annotations

import pytest
import torch

from unlearnable.models.normalisation import batch_statistics
from unlearnable.models.openclip import fresh


def test_inside_the_batch_counts_and_afterwards_nothing_has_changed():
    model = fresh("resnet-small", 0)
    model.module.eval()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    pixels = torch.rand(4, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        plain = model.encode_image(pixels)
        with batch_statistics([model]):
            inside, alone = model.encode_image(pixels), model.encode_image(pixels[:2])
        after = model.encode_image(pixels)
        model.module.train()
        trained = model.encode_image(pixels)
    assert torch.equal(plain, after)
    assert not torch.allclose(inside, plain, atol=1e-3)
    assert not torch.allclose(inside[:2], alone, atol=1e-3)
    assert torch.allclose(inside, trained, atol=1e-5)
    model.module.eval()
    running = {name for name in before if "running" in name or "num_batches" in name}
    assert {
        n for n, v in model.module.state_dict().items() if n not in running and not torch.equal(v, before[n])
    } == set()


def test_the_running_statistics_stay_as_they_were_even_after_an_error_inside():
    model = fresh("resnet-small", 0)
    model.module.eval()
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    with batch_statistics([model]):
        model.encode_image(torch.rand(2, 3, 80, 80))
        with pytest.raises(RuntimeError), batch_statistics([model]):
            model.encode_image(torch.rand(2, 4, 80, 80))
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert not any(module.training for module in model.module.modules())
