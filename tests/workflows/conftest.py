"""A run of `protect` that takes a second or two, and what it lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

QUICK: dict[str, Any] = {
    "max_rounds": 2,
    "noise_steps": 3,
    "surrogate_steps": 2,
    "learning_rate": 1e-3,
    "candidates": 4,
    "batch_size": 8,
}


@pytest.fixture
def quick(tiny_path):
    return {**QUICK, "surrogate": (str(tiny_path),)}


def manifest(report_folder):
    return [json.loads(line) for line in (report_folder / "manifest.jsonl").read_text().splitlines()]
