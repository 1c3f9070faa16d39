"""Models by name, path and folder: each is the model that was saved, or one error; nothing in a file is trusted."""

from __future__ import annotations

import copy
import errno
import json
import os
from typing import Any

import open_clip
import pytest
import torch
from huggingface_hub import constants
from open_clip import pretrained
from safetensors.torch import save_file

from tests.conftest import TINY, Told
from tools.pack import pack
from unlearnable.errors import ModelError, OutputError
from unlearnable.models import bundled, openclip
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.openclip import fresh, load, restart, save
from unlearnable.models.tokens import tokenizer
from unlearnable.settings import SMALL_RATE, SMALL_VIT_RATE

TEXTS = tokenizer()(["a dog in the snow", "a red car"])


def test_the_bundled_model_fits_the_wheel_and_tells_photos_from_each_other():
    assert sum(bundled.path(name).stat().st_size for name in bundled.NAMES) <= 60e6
    small = openclip.load("small")
    assert not small.module.training
    with torch.no_grad():
        features = small.encode_text(torch.cat([TEXTS, tokenizer()("a dog plays in snow")]))
    assert features[0] @ features[2] > features[0] @ features[1] + 0.2


def test_a_bundled_model_that_was_changed_is_refused(monkeypatch, tmp_path):
    changed = tmp_path / "small.safetensors"
    changed.write_bytes(bundled.path("small").read_bytes()[:-1] + b"x")
    (tmp_path / "small.json").write_bytes((bundled.DATA / "small.json").read_bytes())
    monkeypatch.setattr(bundled, "DATA", tmp_path)
    with pytest.raises(ModelError, match="released"):
        openclip.load("small")
    changed.unlink()
    with pytest.raises(ModelError, match="missing"):
        openclip.load("small")


def test_packing_keeps_the_token_table_within_half_a_step(tiny):
    state = tiny.module.state_dict()
    packed = pack(state, torch.randn_like(state[bundled.TABLE]))
    assert packed[bundled.TABLE].dtype == torch.int8
    table, back = state[bundled.TABLE], bundled.unpack(packed, state[bundled.TABLE])[bundled.TABLE]
    step = table.abs().amax(dim=1, keepdim=True) / 127
    assert ((table - back).abs() <= 0.6 * step).all()


def test_packing_leaves_out_the_words_that_were_never_trained(tiny):
    state = tiny.module.state_dict()
    start = state[bundled.TABLE].clone()
    trained = {**state, bundled.TABLE: 0.97 * start}
    trained[bundled.TABLE][[5, 300]] += torch.randn(2, start.shape[1])
    packed = pack(trained, start)
    assert len(packed[bundled.TABLE]) == 2
    back = bundled.unpack(packed, start)[bundled.TABLE]
    torch.testing.assert_close(back, trained[bundled.TABLE], atol=0.02, rtol=1e-3)


def test_a_saved_model_loads_by_its_path(tiny, tiny_path):
    loaded = openclip.load(str(tiny_path))
    assert loaded.image_size == 32
    with torch.no_grad():
        torch.testing.assert_close(loaded.encode_text(TEXTS), tiny.encode_text(TEXTS))


def test_open_clips_own_folder_layout_loads(tiny, tmp_path):
    config = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.4] * 3, "std": [0.3] * 3}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    torch.save(tiny.module.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    loaded = openclip.load(str(tmp_path))
    assert loaded.spec.mean == (0.4, 0.4, 0.4)
    with torch.no_grad():
        torch.testing.assert_close(loaded.encode_text(TEXTS), tiny.encode_text(TEXTS))


def test_an_architecture_with_a_weights_file_loads(tmp_path):
    torch.manual_seed(1)
    module = open_clip.create_model("ViT-S-32-alt")
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    loaded = openclip.load(f"ViT-S-32-alt:{tmp_path / 'weights.pt'}")
    assert loaded.image_size == 224
    torch.testing.assert_close(loaded.token_table, module.token_embedding.weight)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("smal", "there is no model", "did you mean 'small'"),
        ("RN51:openai", "there is no model", "did you mean 'RN5"),
        ("ViT-L/14@336px", "there is no model", "did you mean 'ViT-L-14-336'"),
        ("no/such/file.pt", "there is no model", "unlearnable list models"),
        ("RN50", "names no weights", "openai"),
        ("RN50:openia", "no weights called", "did you mean 'openai'"),
        ("RN50:openai", "could not be loaded", "small"),
    ],
)
def test_a_model_that_is_not_there_says_what_works_offline(name, message, hint):
    with pytest.raises(ModelError, match=message) as caught:
        openclip.load(name)
    assert caught.value.exit_code == 4
    assert hint in caught.value.hint
    assert "small" in caught.value.hint


@pytest.mark.parametrize("content", [b"hello", [1, 2], {"model": print}, {"x": torch.zeros(2)}])
def test_a_file_without_weights_of_its_architecture_is_an_error(tmp_path, content):
    path = tmp_path / "w.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    for name in (f"ViT-S-32-alt:{path}", str(path)):
        with pytest.raises(ModelError, match=r"w\.pt") as caught:
            openclip.load(name)
        assert "\n" not in caught.value.message


def test_a_file_that_was_cut_off_is_damaged(tiny_path, tmp_path):
    for size in (3000, -1000):
        (tmp_path / "w.safetensors").write_bytes(tiny_path.read_bytes()[:size])
        with pytest.raises(ModelError, match="is damaged"):
            openclip.load(str(tmp_path / "w.safetensors"))


def test_weights_that_want_quickgelu_get_it(monkeypatch):
    asked: dict[str, Any] = {}

    def create(name, weights, **options):
        asked.update(options, name=name, weights=weights)
        raise RuntimeError("no network")

    monkeypatch.setattr(open_clip, "create_model", create)
    for name, wants in (("RN50:openai", True), ("RN50:yfcc15m", True), ("ViT-B-32:laion2b_s34b_b79k", False)):
        with pytest.raises(ModelError, match="no network"):
            load(name)
        assert asked["force_quick_gelu"] is wants


def test_an_architecture_alone_has_random_weights_by_its_seed():
    first, again, other = (fresh("vit-small", seed) for seed in (0, 0, 1))
    tokens = torch.tensor([[49406, 320, 49407]])
    assert torch.equal(first.encode_text(tokens), again.encode_text(tokens))
    assert not torch.equal(first.encode_text(tokens), other.encode_text(tokens))
    assert torch.equal(other.encode_text(tokens), restart(first, 1).encode_text(tokens))


@pytest.mark.parametrize("name", bundled.NAMES)
def test_bundled_models_load_by_their_name_and_have_a_card(name):
    model = openclip.load(name)
    assert model.name == name
    assert bundled.intact(name)
    assert bundled.path(name).stat().st_size <= 21e6
    assert (bundled.DATA / f"{name.upper()}.md").is_file()


def test_a_small_vision_transformer_is_tuned_slowly():
    rates = {name: tuning_rate(openclip.load(name).spec.config) for name in bundled.NAMES}
    assert rates == dict.fromkeys(("small", "resnet-small", "conv-small"), SMALL_RATE) | {"vit-small": SMALL_VIT_RATE}


def test_a_small_victim_that_was_not_trained_says_how_to_train_it(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARNABLE_CACHE", str(tmp_path))
    with pytest.raises(ModelError) as caught:
        load("small-start")
    assert "unlearnable train" in caught.value.hint
    save(fresh("vit-small", 0), tmp_path / "models" / "small-start.safetensors")
    with pytest.raises(ModelError, match="another architecture"):
        load("small-start")


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
     json.dumps({"config": TINY, "mean": [0.5] * 2, "std": [0.5] * 3})],
)  # fmt: skip
def test_a_broken_header_is_a_model_error(tiny, tmp_path, header):
    path = tmp_path / "model.safetensors"
    write(tiny, path, header)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
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


def test_every_architecture_of_open_clip_that_reads_texts_as_clip_does_is_known(tmp_path):
    path = tmp_path / "model.safetensors"
    path.touch()
    os.truncate(path, 1 << 40)
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        if openclip.is_like_clip(config) and "multimodal_cfg" not in config:
            openclip.check_architecture(config, path, [path])


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty cache of the hub, which is online."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return constants.ENDPOINT


def test_a_download_is_noted(hub, monkeypatch):
    said, asked = Told(), list[object]()
    monkeypatch.setattr(pretrained, "download_pretrained", asked.append)
    openclip.fetch(["small", "RN50:openai"], said)
    assert said.notes == [f"RN50:openai is not on this machine: it is downloaded from {hub} first"]
    assert asked == [open_clip.get_pretrained_cfg("RN50", "openai")]


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    "name", ["ViT-B-16-SigLIP:webli", "coca_ViT-B-32:laion2b_s13b_b90k", "roberta-ViT-B-32:laion2b_s12b_b32k"]
)
def test_a_model_that_can_not_be_used_is_not_downloaded(name, monkeypatch):
    monkeypatch.setattr(pretrained, "download_pretrained", lambda _: pytest.fail("it was downloaded"))
    with pytest.raises(ModelError, match="not like CLIP's"):
        openclip.fetch([name], Told())


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ConnectionError("reset by peer"), ModelError, r"RN50:openai: its weights could not be downloaded .*reset"),
        (OSError(errno.ENOSPC, "No space left on device"), OutputError, "the disk is full"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_a_download_that_breaks_off_is_an_error(error, kind, message, monkeypatch):
    def fail(_):
        raise error

    monkeypatch.setattr(pretrained, "download_pretrained", fail)
    with pytest.raises(kind, match=message):
        openclip.fetch(["RN50:openai"], Told())


def test_a_model_in_the_cache_is_not_downloaded(hub, tmp_path):
    weights = tmp_path / "models--timm--resnet50_clip.openai" / "snapshots" / "abc" / "open_clip_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    assert openclip.to_download("RN50:openai") is None
    assert [openclip.to_download(name) for name in ("small", "RN50:nobody", "no-such-file")] == [None] * 3
