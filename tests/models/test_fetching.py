"""Models that have to be downloaded."""

from __future__ import annotations

import time
import urllib.error
from email.message import Message

import pytest
from huggingface_hub import constants

from tests.workflows.test_posts import Said
from unlearnable.errors import ModelError
from unlearnable.models import fetching


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty cache, and a hub that answers every request with an error, which is an answer."""
    for name, value in (("HF_HUB_OFFLINE", False), ("HF_HUB_CACHE", str(tmp_path))):
        monkeypatch.setattr(constants, name, value)

    def refuse(request, timeout):
        raise urllib.error.HTTPError(request.full_url, 405, "no", Message(), None)

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return constants.ENDPOINT


def test_a_download_is_said(hub):
    said = Said()
    fetching.announce(["small", "RN50:openai"], said)
    assert said.notes == [f"RN50:openai is not on this machine: it is downloaded from {hub} first"]


def test_a_model_in_the_cache_is_not_downloaded(hub, tmp_path):
    weights = tmp_path / "models--timm--resnet50_clip.openai" / "snapshots" / "abc" / "open_clip_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert fetching.to_download("RN50:openai") is None
    assert [fetching.to_download(name) for name in ("small", "RN50:nobody", "no-such-file")] == [None] * 3


def test_a_source_that_does_not_answer_is_said_within_seconds(hub, monkeypatch):
    def wait(*_, **__):
        time.sleep(1.5)
        raise OSError

    monkeypatch.setattr(fetching, "PATIENCE", 0.2)
    monkeypatch.setattr("urllib.request.urlopen", wait)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"RN50:openai: .*could not be loaded.*does not answer") as caught:
        fetching.announce(["RN50:openai"], Said())
    assert time.monotonic() - began < 1.4
    assert "small" in caught.value.hint
