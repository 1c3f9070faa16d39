from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from unlearnable.training import memory

LARGE = 64 << 20  # bytes; above what the C library keeps by itself
PAGE = 4096


def faults(bytes_: int) -> int:
    """Return how many pages the system gave while a tensor was filled, as it counts them."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(bytes_ // 4)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_a_large_tensor_takes_the_memory_of_the_one_before():
    assert faults(LARGE) > LARGE // PAGE // 2
    with memory.kept():
        first, second = faults(LARGE), faults(LARGE)
    assert second < LARGE // PAGE // 100 < first
    assert faults(LARGE) > LARGE // PAGE // 2, "kept for good"


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_memory_is_given_back_at_the_end():
    with memory.kept():
        torch.ones(4 * LARGE // 4)
        inside = resident()
    assert resident() < inside - 3 * LARGE


def test_steps_run_where_the_c_library_is_another(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with memory.kept():
        assert torch.ones(4).sum() == 4
