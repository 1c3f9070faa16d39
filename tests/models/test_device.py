"""What torch draws by itself is seeded within a block, and what is outside it is as if the block were not there."""

from __future__ import annotations

import pytest
import torch

from unlearnable.models.device import given_up, seeded


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


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (MemoryError(), "there is too little memory (MemoryError)", "--preset fast"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "there is too little memory (", "--preset fast"),
        (RuntimeError("could not create a primitive"), "there is too little memory (", "--preset fast"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), "there is too little memory on the GPU", "--device cpu"),
        (RuntimeError("MPS backend out of memory"), "there is too little memory on the GPU", "--device cpu"),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when"), "there is too little memory on the GPU", "--device cpu"),
        (
            NotImplementedError("aten::x is not implemented for the MPS device"),
            "the GPU fails (aten::x",
            "--device cpu",
        ),
        (RuntimeError("CUDA error: no kernel image"), "the GPU fails (CUDA error", "`device='cpu'`; if it works"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_device_that_gives_up_is_no_bug(error, message, hint, wrapped):
    if wrapped:
        outer = ValueError("something else")
        outer.__cause__ = error
        error = outer
    told = given_up(error)
    assert told.message.startswith(message)
    assert hint in told.hint


@pytest.mark.parametrize("error", [RuntimeError("the ownership of a memory"), ValueError("CUDA"), KeyError("mps")])
def test_another_error_is_none_of_a_device(error):
    assert given_up(error) is None
