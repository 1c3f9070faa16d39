"""The loss curves of MEM and EM on the tiny encoder, as they were when they were last looked at.

A change of the optimisation shows here first. If it is meant, run `pytest tests/methods/test_golden.py
--write-golden`, look at the new curves, and note them under "Results changed".
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.methods.sessions import finish, started

GOLDEN = Path(__file__).parents[1] / "golden" / "curves.json"
TOLERANCE = 0.05  # relative; another processor rounds differently, and signs of gradients near zero flip
TOLERANCE_BF16 = 0.15  # its rounding errors are 65,536 times as large
ROUNDS_BF16 = 4  # later ones differ by a third between a processor with a matrix unit and one without


def curve(name, problem, settings):
    return [round(done.loss, 4) for done in finish(name, started(name, problem, settings))]


@pytest.fixture
def curves(make_problem, quick):
    settings = replace(quick, max_rounds=6, noise_steps=6, surrogate_steps=4, batch_size=12)
    plain = replace(settings, proxy_weight=0)
    bf16 = replace(plain, precision="bf16", max_rounds=ROUNDS_BF16)
    named = {
        "mem": ("mem", plain),
        "mem, bf16": ("mem", bf16),
        "em": ("em", plain),
        "mem, adversarial": ("mem", settings),
    }
    return {name: curve(method, make_problem(), how) for name, (method, how) in named.items()}


def test_curves_are_the_golden_ones(curves, request):
    if request.config.getoption("--write-golden"):
        GOLDEN.write_text(json.dumps(curves, indent=2) + "\n")
    golden = json.loads(GOLDEN.read_text())
    for name, losses in curves.items():
        tolerance = TOLERANCE_BF16 if "bf16" in name else TOLERANCE
        assert losses == pytest.approx(golden[name], rel=tolerance, abs=0.01), name
    assert all(mem < em for mem, em in zip(curves["mem"][1:], curves["em"][1:], strict=True))
