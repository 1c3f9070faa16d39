"""Fixtures of the command line's tests."""

from __future__ import annotations

import pytest

from tests.presets import presets_file


@pytest.fixture
def quick(tiny_path, tmp_path):
    """Options of a `protect` run that takes a second."""
    file = tmp_path / "quick.toml"
    presets_file(file, max_rounds=2, threshold=0.0001)
    return ("--surrogate", tiny_path, "--config", file)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No look at the Hugging Face hub; the variable is read when the library is imported, which it is already."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
