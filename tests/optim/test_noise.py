from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.optim.noise import NoiseStore, signed_step


@given(st.integers(1, 64), st.lists(st.floats(-300, 300), min_size=12, max_size=12))
def test_whatever_is_written_reads_back_inside_the_bound(epsilon, values):
    store = NoiseStore([(1, 2), (2, 2)], epsilon)
    store.write(1, torch.tensor(values).view(3, 2, 2))
    assert store.read(1).abs().max() <= epsilon
    assert store.read(0).abs().max() == 0
    assert torch.equal(store.read(1), torch.tensor(values).view(3, 2, 2).round().clamp(-epsilon, epsilon))


def test_a_mapped_store_keeps_each_photo_apart(tmp_path):
    store = NoiseStore([(2, 3), (4, 1)], 8, tmp_path / "noise")
    store.write(0, torch.full((3, 2, 3), 5.0))
    store.write(1, torch.full((3, 4, 1), -7.0))
    assert store.read(0).unique().tolist() == [5]
    assert store.grid(1).shape == (3, 4, 1)
    assert (tmp_path / "noise").stat().st_size == 3 * (6 + 4)


def test_signed_step_moves_against_the_gradient_and_projects():
    noise = torch.tensor([0.0, 8.0, -8.0, 3.0])
    moved = signed_step(noise, torch.tensor([2.0, -1.0, 1.0, 0.0]), 1, 8)
    assert moved.tolist() == [-1.0, 8.0, -8.0, 3.0]
    assert signed_step(noise, torch.tensor([2.0, 1.0, 1.0, 0.0]), -1, 8).tolist() == [1.0, 8.0, -7.0, 3.0]
