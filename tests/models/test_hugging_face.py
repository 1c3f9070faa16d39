"""CLIPs that Hugging Face's transformers wrote are the same models here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from unlearnable.errors import ModelError
from unlearnable.models import bundled, openclip
from unlearnable.models.openclip import _ratio
from unlearnable.models.tokens import tokenizer

TEXTS = tokenizer()(["a dog in the snow", "a red car", ""])
PART = {"num_hidden_layers": 2, "hidden_act": "gelu", "projection_dim": 24}
TEXT = {**PART, "hidden_size": 32, "intermediate_size": 96, "num_attention_heads": 4, "eos_token_id": 49407}
VISION = {**PART, "hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 3, "image_size": 32}


def config_of(act: str = "gelu") -> CLIPConfig:
    text, vision = {**TEXT, "hidden_act": act}, {**VISION, "hidden_act": act, "patch_size": 8}
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)


@pytest.fixture
def model() -> CLIPModel:
    torch.manual_seed(3)
    model = CLIPModel(config_of()).eval()
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.2)  # biases too, so that none may be mistaken for another
    return model


@pytest.fixture
def folder(model, tmp_path) -> Path:
    model.save_pretrained(tmp_path)
    return tmp_path


def change(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def outputs(model: CLIPModel, pixels: torch.Tensor) -> list[torch.Tensor]:
    with torch.no_grad():
        found = model(input_ids=TEXTS, pixel_values=pixels)
    return [F.normalize(found.image_embeds, dim=-1), F.normalize(found.text_embeds, dim=-1)]


@pytest.mark.parametrize("act", ["gelu", "quick_gelu"])
def test_photos_and_texts_have_the_same_features(act, model, tmp_path):
    same = CLIPModel(config_of(act)).eval()
    same.load_state_dict(model.state_dict())
    same.save_pretrained(tmp_path)
    CLIPImageProcessor(image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.25]).save_pretrained(tmp_path)
    loaded = openclip.load(str(tmp_path))
    assert (loaded.spec.mean, loaded.spec.std) == ((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
    assert (loaded.name, loaded.image_size) == (str(tmp_path), 32)
    pixels = torch.rand(3, 3, 32, 32)
    normal = (pixels - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.25]).view(3, 1, 1)
    with torch.no_grad():
        ours = [loaded.encode_image(pixels), loaded.encode_text(TEXTS)]
    for found, wanted in zip(ours, outputs(same, normal), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(loaded.logit_scale, same.logit_scale.exp())


def test_a_file_of_the_folder_is_not_enough(folder):
    with pytest.raises(ModelError, match="does not name its architecture") as caught:
        openclip.load(str(folder / "model.safetensors"))
    assert "give the folder" in caught.value.hint


def test_its_files_are_those_of_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    wanted = [folder / "config.json", folder / "model.safetensors"]
    assert list(bundled.files_of(str(folder))) == wanted
    assert list(bundled.files_of(f"ViT-B-32:{wanted[1]}")) == wanted[1:]
    Path("small").mkdir()
    (Path("small") / "photo.jpg").touch()
    assert list(bundled.files_of("small")) == [], "a folder of photos, not of a model"


def test_weights_that_are_cut_off_or_missing_are_not_made_up(model, folder, tmp_path):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="no CLIP can be built from it"):
        openclip.load(str(folder))
    state = {key: value for key, value in model.state_dict().items() if "post_layernorm.weight" not in key}
    model.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ModelError, match=r"lacks weights of a CLIP, such as vision_model\.post_layernorm\.weight"):
        openclip.load(str(tmp_path))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_type": "siglip"}, "another model than"),
        ({"text_config": {**TEXT, "vocab_size": 50_000}}, "is refused"),
        ({"text_config": {**TEXT, "hidden_act": "relu"}}, "has no such CLIP"),
        ({"vision_config": {**VISION, "num_hidden_layers": 10**6}}, "asks for more weights"),
        ({"vision_config": {**VISION, "num_attention_heads": 0}}, "is damaged"),
        ({"vision_config": {**VISION, "hidden_size": 9000, "num_attention_heads": 9}}, "asks for more weights"),
        ({"projection_dim": "many"}, "is damaged|no architecture"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_such_clip_is_one_line(fields, message, folder):
    change(folder, **fields)
    with pytest.raises(ModelError, match=message) as caught:
        openclip.load(str(folder))
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("hidden", "wide"), [(1408, 6144), (768, 3072), (1664, 8192), (49, 55), (10, 7)])
def test_hidden_layers_have_the_width_that_they_had(hidden, wide):
    part = type("Part", (), {"hidden_size": hidden, "intermediate_size": wide})
    assert int(hidden * _ratio(part)) == wide
