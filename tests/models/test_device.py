"""What torch draws by itself is seeded within a block, and what is outside it is as if the block were not there."""

from __future__ import annotations

import torch

from unlearnable.models.device import seeded


def test_draws_are_those_of_the_seed_and_others_go_on_as_they_were() -> None:
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    with seeded(7):
        drawn = torch.rand(4)
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(drawn, torch.rand(4, generator=torch.Generator().manual_seed(7)))


def test_gpus_beside_the_one_that_is_used_are_left_alone(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: asked.append(device))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: None)
    with seeded(7):
        assert asked == []
    with seeded(7, torch.device("cuda:3")):
        assert asked == [torch.device("cuda:3")]
