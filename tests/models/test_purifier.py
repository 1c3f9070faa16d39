"""The network that takes the noise away, and the bundled weights."""

from __future__ import annotations

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.models import purifier
from unlearnable.models.purifier import Purifier


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 50), (17, 40), (64, 64)])
def test_photos_of_any_size_keep_it(height, width):
    photo = torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(0)).float()
    torch.manual_seed(0)
    model = Purifier()
    assert torch.equal(model.purify(photo), photo)  # before its training it sees no noise
    torch.nn.init.normal_(model.last.weight, std=0.1)
    found = model.purify(photo)
    assert found.shape == photo.shape
    assert torch.equal(found, found.round())
    assert 0 <= found.min() <= found.max() <= 255


def test_it_learns_to_take_a_pattern_away():
    torch.manual_seed(0)
    model, stripes = Purifier(), torch.tensor([1.0, -1.0]).repeat(16).expand(3, 32, 32)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        photos = torch.rand(4, 3, 1, 1).expand(4, 3, 32, 32) * 0.8 + 0.1
        loss = (model(photos + stripes * purifier.EPSILON / 255) - stripes).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    flat = torch.full((3, 32, 32), 100.0)
    assert (model.purify(flat + purifier.EPSILON * stripes) - flat).abs().mean() < 0.6 * purifier.EPSILON


def test_weights_that_are_missing_or_changed_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(purifier, "WEIGHTS", tmp_path / "purifier.safetensors")
    monkeypatch.setattr(purifier, "CHECKSUM", tmp_path / "purifier.sha256")
    with pytest.raises(ModelError, match="missing"):
        purifier.load()
    purifier.CHECKSUM.write_text("0" * 64)
    purifier.WEIGHTS.write_bytes(b"other weights")
    with pytest.raises(ModelError, match="not the released file"):
        purifier.load()
