"""CLIPs in the layout of Hugging Face's transformers: their configuration and weights under open_clip's names."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from pydantic import BaseModel, ValidationError
from torch import Tensor

from unlearnable.errors import ModelError
from unlearnable.models.device import quiet, reason_of
from unlearnable.models.header import TRANSFORMERS_CONFIG, Architecture, Deviation, Mean, read_json, refused

if TYPE_CHECKING:
    from unlearnable.models.dual_encoder import DualEncoder

_PROCESSORS = "preprocessor_config.json", "processor_config.json"  # of versions before 5, and since
_ACTIVATIONS = {"quick_gelu": True, "gelu": False}
_EPS = 1e-5  # of open_clip's layer normalisation
_NAMES = {
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.encoder.layers": "transformer.resblocks",
    "text_model.final_layer_norm": "ln_final",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding": "visual.conv1",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.encoder.layers": "visual.transformer.resblocks",
    "vision_model.pre_layrnorm": "visual.ln_pre",  # spelt so
    "vision_model.post_layernorm": "visual.ln_post",
    ".layer_norm": ".ln_",
    ".self_attn.": ".attn.",
    ".mlp.fc1": ".mlp.c_fc",
    ".mlp.fc2": ".mlp.c_proj",
    "visual_projection.weight": "visual.proj",
    "text_projection.weight": "text_projection",
}
_TURNED = ("visual.proj", "text_projection")  # applied from the right in open_clip


class _Normalisation(BaseModel):
    """What photos are normalised by, with transformers' names; OpenAI's numbers where the folder has none."""

    image_mean: Mean = OPENAI_DATASET_MEAN
    image_std: Deviation = OPENAI_DATASET_STD


def load(folder: Path) -> DualEncoder:
    """Load the CLIP that transformers' `save_pretrained` wrote to a folder.

    Nothing is fetched, and no code in the folder is run.

    Raises:
        ModelError: the folder holds no CLIP, one that open_clip cannot be given, or not all of its weights.
    """
    from transformers import CLIPModel

    from unlearnable.models.dual_encoder import build

    config = _config(folder)
    photos = _normalisation(folder)
    try:
        with quiet():
            model, loading = CLIPModel.from_pretrained(
                str(folder), dtype=torch.float32, local_files_only=True, output_loading_info=True
            )
        if missing := sorted(loading["missing_keys"]):
            raise ModelError(f"{folder} lacks weights of a CLIP, such as {missing[0]}", hint="fetch it again")
        encoder = build(str(folder), config, photos.image_mean, photos.image_std)
        encoder.module.load_state_dict(_renamed(model.state_dict()))
    except ModelError:
        raise
    except Exception as error:  # torch, safetensors and transformers each raise their own kinds
        reason = reason_of(error)
        raise ModelError(f"{folder}: no CLIP can be built from it ({reason})", hint="fetch it again") from error
    return encoder


def _config(folder: Path) -> dict[str, Any]:
    """Return the configuration of the CLIP in a folder, under open_clip's names."""
    from transformers import CLIPConfig

    path = folder / TRANSFORMERS_CONFIG
    content = read_json(path)
    if (kind := content.get("model_type")) != "clip":
        what = str(kind)[:80]
        raise ModelError(
            f"{folder} holds a model of the kind {what}", hint="of transformers' models only CLIPModel works"
        )
    try:
        asked = CLIPConfig.from_dict(content)
        config = _in_open_clip(asked)
        least = Architecture.model_validate(config).least_weights()
    except ValidationError as error:
        raise refused(path, error) from error
    except Exception as error:  # a setting of another type than transformers expects
        raise ModelError(f"{path} is damaged ({type(error).__name__})", hint="fetch it again") from error
    parts = asked.text_config, asked.vision_config
    acts = {part.hidden_act for part in parts}
    if len(acts) > 1 or not acts <= _ACTIVATIONS.keys() or any(part.layer_norm_eps != _EPS for part in parts):
        raise ModelError(f"{folder}: open_clip has no such CLIP", hint="activations or layer normalisation differ")
    files = (file for file in folder.iterdir() if file.suffix in (".safetensors", ".bin") and file.is_file())
    held = sum(file.stat().st_size for file in files)
    if 2 * least > held:  # in half precision
        raise ModelError(f"{path} asks for more weights than the folder holds", hint="fetch all of it again")
    return config


def _in_open_clip(asked: Any) -> dict[str, Any]:
    text, vision = asked.text_config, asked.vision_config
    return {
        "embed_dim": asked.projection_dim,
        "quick_gelu": _ACTIVATIONS.get(text.hidden_act, False),
        "vision_cfg": {
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            "layers": vision.num_hidden_layers,
            "width": vision.hidden_size,
            "head_width": vision.hidden_size // vision.num_attention_heads,
            "mlp_ratio": _ratio(vision),
        },
        "text_cfg": {
            "context_length": text.max_position_embeddings,
            "vocab_size": text.vocab_size,
            "layers": text.num_hidden_layers,
            "width": text.hidden_size,
            "heads": text.num_attention_heads,
            "mlp_ratio": _ratio(text),
        },
    }


def _ratio(part: Any) -> float:
    """Return what open_clip multiplies the width of an encoder by, and cuts, for that of its hidden layers."""
    ratio = float(part.intermediate_size / part.hidden_size)
    exact = int(part.hidden_size * ratio) == part.intermediate_size
    return ratio if exact else math.nextafter(ratio, math.inf)


def _normalisation(folder: Path) -> _Normalisation:
    path = next(filter(Path.is_file, map(folder.joinpath, _PROCESSORS)), None)
    if path is None:
        return _Normalisation()
    found = read_json(path)
    try:
        return _Normalisation.model_validate(found.get("image_processor", found))
    except ValidationError as error:
        raise refused(path, error) from error


def _renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights under open_clip's names, queries, keys and values joined."""
    found = {}
    for key, value in state.items():
        for theirs, ours in _NAMES.items():
            key = key.replace(theirs, ours)
        found[key] = value.T.contiguous() if key in _TURNED else value
    for key in [key for key in found if ".attn.q_proj." in key]:
        parts = [found.pop(key.replace("q_proj", f"{part}_proj")) for part in "qkv"]
        found[key.replace("q_proj.", "in_proj_")] = torch.cat(parts)
    return found
