"""Memory of tensors that are done with is kept for the next ones."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from unlearnable.training import loop

LARGE = 64 << 20  # bytes; above what the C library keeps by itself
PAGES = LARGE // 4096
OWN_PROCESS = f"""
import json, resource
from pathlib import Path
import torch
from unlearnable.training.loop import kept

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones({LARGE} // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])

before = faults()
with kept():
    first, second = faults(), faults()
    inside = resident()
print(json.dumps(dict(before=before, first=first, second=second, given_back=inside - resident(), after=faults())))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_a_large_tensor_takes_the_memory_of_the_one_before_and_all_is_given_back_at_the_end():
    done = subprocess.run([sys.executable, "-c", OWN_PROCESS], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["second"] < PAGES / 100
    assert min(found["before"], found["first"], found["after"], found["given_back"]) > PAGES * 0.9


def test_steps_run_where_the_c_library_is_another(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with loop.kept():
        assert torch.ones(4).sum() == 4
