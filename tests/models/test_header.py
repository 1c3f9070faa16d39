"""A model's header or folder opens no network, asks nothing and takes no more memory than its file: exit 4."""

from __future__ import annotations

import copy
import json
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from tests.conftest import TINY
from unlearnable.errors import ModelError
from unlearnable.models import openclip
from unlearnable.models.header import Architecture


def changed(**changes):
    config: dict[str, Any] = copy.deepcopy(TINY)
    for name, value in changes.items():
        part, _, field = name.partition("__")
        target = config if not field else config[{"vision": "vision_cfg", "text": "text_cfg"}[part]]
        target[field or part] = value
    return config


HOSTILE = [
    changed(vision__timm_model_name="hf-hub:someone/model"),
    changed(vision__timm_model_name="local-dir:/etc"),
    changed(vision__timm_model_name="no_such_encoder"),
    changed(vision__timm_model_name="resnet18", vision__timm_model_pretrained=True),
    changed(text__hf_model_name="someone/code"),
    changed(text__vocab_size=10**9),
    changed(text__width=-1),
    changed(text__width=16_000, text__layers=200),
    changed(vision__layers=10**6),
    changed(vision__image_size=[32, 64]),
    changed(vision__output_tokens=True),
    changed(vision__width=float("nan")),
    changed(text__heads=7),
    changed(unknown=3),
    {},
    None,
]


def write(tiny, path, header):
    state = {name: value.contiguous() for name, value in tiny.module.state_dict().items()}
    save_file(state, path, metadata={"unlearnable": header})


@pytest.mark.parametrize("config", HOSTILE, ids=str)
def test_a_header_that_asks_for_what_it_must_not_is_refused(tiny, tmp_path, config, capfd):
    path = tmp_path / "model.safetensors"
    write(tiny, path, json.dumps({"config": config, "mean": [0.5] * 3, "std": [0.5] * 3}))
    with pytest.raises(ModelError) as caught:
        openclip.load(str(path))
    assert caught.value.exit_code == 4
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize(
    "header",
    ["", "[]", "[" * 100_000, json.dumps({"config": TINY}),
     json.dumps({"config": TINY, "mean": [0.5] * 3, "std": [0.0] * 3}),
     json.dumps({"config": TINY, "mean": [0.5] * 2, "std": [0.5] * 3})],
)  # fmt: skip
def test_a_broken_header_is_a_model_error(tiny, tmp_path, header):
    path = tmp_path / "model.safetensors"
    write(tiny, path, header)
    with pytest.raises(ModelError, match=r"model\.safetensors.* header "):
        openclip.load(str(path))


def test_a_header_that_was_damaged_is_refused(tiny, tmp_path):
    path = tmp_path / "model.safetensors"
    openclip.save(tiny, path)
    content = path.read_bytes()
    damaged = content.replace(b'\\"mean\\": [0.5,', b'\\"mean\\": [0.4,')
    assert damaged != content
    path.write_bytes(damaged)
    with pytest.raises(ModelError, match="header is damaged"):
        openclip.load(str(path))


@pytest.mark.parametrize("config", [changed(text__hf_model_name="someone/code"), None, []], ids=str)
def test_a_folder_is_checked_before_open_clip_reads_it(tiny, tmp_path, monkeypatch, config):
    monkeypatch.setattr(open_clip, "create_model", lambda *_, **__: pytest.fail("open_clip was asked"))
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    torch.save(tiny.module.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(ModelError, match=r"open_clip_config\.json"):
        openclip.load(str(tmp_path))


def test_an_architecture_whose_text_encoder_would_be_fetched_is_refused(monkeypatch):
    monkeypatch.setattr(open_clip, "create_model", lambda *_, **__: pytest.fail("open_clip was asked"))
    with pytest.raises(ModelError, match="not like CLIP's"):
        openclip.load("roberta-ViT-B-32:laion2b_s12b_b32k")


def test_every_architecture_of_open_clip_with_a_text_encoder_of_clips_kind_is_known():
    unknown = {}
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        if "hf_model_name" in config["text_cfg"] or "multimodal_cfg" in config:
            continue
        try:
            Architecture.model_validate(config)
        except ValueError as error:
            unknown[name] = str(error)
    assert unknown == {}
