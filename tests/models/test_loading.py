from __future__ import annotations

import json
from typing import Any

import open_clip
import pytest
import torch

from tests.conftest import TINY
from tools.pack import pack
from unlearnable.errors import ModelError
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


@pytest.mark.parametrize("path", ["nope.safetensors", "models/nope", "{}/nope.PT", "https://x.org/a"])
@pytest.mark.parametrize("architecture", ["", "RN50:"])
def test_a_path_to_a_model_that_leads_to_nothing_is_told_from_a_name(path, architecture, tmp_path):
    name = path.format(tmp_path)
    with pytest.raises(ModelError, match=r"no file or folder|not a file or folder") as caught:
        openclip.load(f"{architecture}{name}")
    assert name in caught.value.message
    assert "unlearnable list models" in caught.value.hint, "it may have been meant as the name of a model"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "holds no weights that can be read"),
        ([1, 2], "holds no weights that can be read"),
        ({"model": print}, "holds no weights that can be read"),
        ({"x": torch.zeros(2)}, "its weights do not fit ViT-S-32-alt"),
    ],
)
def test_a_file_without_weights_of_its_architecture_is_said_in_one_line(tmp_path, content, message):
    path = tmp_path / "w.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ModelError, match=message) as caught:
        openclip.load(f"ViT-S-32-alt:{path}")
    assert "weights_only" not in f"{caught.value.message} {caught.value.hint}"


def test_a_file_that_was_cut_off_is_damaged(tiny_path, tmp_path):
    (tmp_path / "w.safetensors").write_bytes(tiny_path.read_bytes()[:3000])
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
