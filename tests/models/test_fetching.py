"""Models that have to be downloaded."""

from __future__ import annotations

import errno
import time
import urllib.error
from email.message import Message

import pytest
from huggingface_hub import constants
from open_clip import pretrained

from tests.conftest import Told
from unlearnable.errors import ModelError, OutputError
from unlearnable.models import openclip


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty cache, and a hub that answers every request with an error, which is an answer."""
    for name, value in (("HF_HUB_OFFLINE", False), ("HF_HUB_CACHE", str(tmp_path))):
        monkeypatch.setattr(constants, name, value)

    def refuse(request, timeout):
        raise urllib.error.HTTPError(request.full_url, 405, "no", Message(), None)

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return constants.ENDPOINT


class Counted(Told):
    """Progress that keeps phases and steps too."""

    def __init__(self):
        super().__init__()
        self.phases, self.steps = [], 0

    def phase(self, name, total):
        self.phases.append((name, total))

    def advance(self, steps=1, **metrics):
        self.steps += steps


def arriving(size, asked, fails=None):
    """A download from the hub in pieces of 400 kB; the name of each file that was asked for goes to `asked`."""

    def download(repo_id, filename, revision, cache_dir, tqdm_class):
        asked.append(f"{repo_id}/{filename}")
        with tqdm_class(unit="B", unit_scale=True, total=size, initial=0, desc=filename) as bar:
            for start in range(0, size, 400_000):
                bar.update(min(400_000, size - start))
                if fails:
                    raise fails
        return filename

    return download


def test_a_download_is_said_and_counted_in_megabytes(hub, monkeypatch, capfd):
    said, asked = Counted(), list[str]()
    monkeypatch.setattr(pretrained, "hf_hub_download", arriving(12_345_678, asked))
    own = pretrained.hf_hub_download, pretrained.tqdm
    openclip.fetch(["small", "RN50:openai"], said)
    assert said.notes == [f"RN50:openai is not on this machine: it is downloaded from {hub} first"]
    assert asked == ["timm/resnet50_clip.openai/open_clip_model.safetensors"]
    assert (said.phases, said.steps) == ([("downloading RN50:openai (MB)", 12)], 12)
    assert (pretrained.hf_hub_download, pretrained.tqdm) == own
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    "name", ["ViT-B-16-SigLIP:webli", "coca_ViT-B-32:laion2b_s13b_b90k", "roberta-ViT-B-32:laion2b_s12b_b32k"]
)
def test_a_model_that_can_not_be_used_is_not_downloaded(name, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(pretrained, "hf_hub_download", arriving(2_000_000, asked))
    with pytest.raises(ModelError, match="not like CLIP's"):
        openclip.fetch([name], Counted())
    assert asked == []


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ConnectionError("reset by peer"), ModelError, r"RN50:openai: its weights could not be downloaded .*reset"),
        (OSError(errno.ENOSPC, "No space left on device"), OutputError, "the disk is full"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_a_download_that_breaks_off_is_one_line(error, kind, message, hub, monkeypatch):
    monkeypatch.setattr(pretrained, "hf_hub_download", arriving(2_000_000, [], fails=error))
    with pytest.raises(kind, match=message):
        openclip.fetch(["RN50:openai"], Told())


def test_a_model_in_the_cache_is_not_downloaded(hub, tmp_path):
    weights = tmp_path / "models--timm--resnet50_clip.openai" / "snapshots" / "abc" / "open_clip_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert openclip.to_download("RN50:openai") is None
    assert [openclip.to_download(name) for name in ("small", "RN50:nobody", "no-such-file")] == [None] * 3


def test_a_source_that_does_not_answer_is_said_within_seconds(hub, monkeypatch):
    def wait(*_, **__):
        time.sleep(1.5)
        raise OSError

    monkeypatch.setattr(openclip, "PATIENCE", 0.2)
    monkeypatch.setattr("urllib.request.urlopen", wait)
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"RN50:openai: .*could not be loaded.*does not answer") as caught:
        openclip.fetch(["RN50:openai"], Told())
    assert time.monotonic() - began < 1.4
    assert "small" in caught.value.hint
