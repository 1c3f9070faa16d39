"""Seeds, failures of a device, and libraries that keep quiet."""

from __future__ import annotations

import pytest
import torch

from unlearnable.models.device import given_up, seeded


def test_draws_within_the_block_are_those_of_the_seed_and_others_stay_as_they_were():
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    with seeded(7):
        drawn = torch.rand(4)
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(drawn, torch.rand(4, generator=torch.Generator().manual_seed(7)))


def test_gpus_beside_the_one_that_is_used_are_left_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: asked.append(device))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: None)
    with seeded(7):
        assert asked == []
    with seeded(7, torch.device("cuda:3")):
        assert asked == [torch.device("cuda:3")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "there is too little memory (MemoryError)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "there is too little memory ("),
        (RuntimeError("could not create a primitive"), "there is too little memory ("),
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), "there is too little memory on the GPU"),
        (RuntimeError("MPS backend out of memory"), "there is too little memory on the GPU"),
        (NotImplementedError("aten::x is not implemented for the MPS device"), "the GPU fails (aten::x"),
        (RuntimeError("the ownership of a memory"), None),
        (ValueError("CUDA"), None),
    ],
)
def test_a_device_that_gives_up_is_no_bug(error, message):
    wrapped = ValueError("something else")
    wrapped.__cause__ = error
    for one in (error, wrapped):
        told = given_up(one)
        assert told is None if message is None else told.message.startswith(message)
