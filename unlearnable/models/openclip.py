"""Load surrogates and victims by name: a bundled one, any open_clip model and tag, or a checkpoint on disk.

A checkpoint is a file of weights, or a folder in open_clip's own layout (open_clip_config.json and weights) or in that
of transformers' `CLIPModel` (config.json and weights). A file written by `save` names its architecture; any other needs
it as a prefix: `RN50:weights.pt`. `fresh` builds the same architectures with random weights, for training from scratch;
`fetch` downloads what is not here.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from open_clip import pretrained
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from safetensors import safe_open
from safetensors.torch import load_file, save as serialised
from torch import Tensor

from unlearnable.errors import ModelError, UnlearnableError
from unlearnable.models import bundled
from unlearnable.models.bundled import ARCHITECTURES, HALF, OPEN_CLIP_CONFIG, START, TRANSFORMERS_CONFIG, cached
from unlearnable.models.device import quiet, reason_of, seeded
from unlearnable.models.dual_encoder import DualEncoder, EncoderSpec, build, image_side, unlike_clip, weights_sha256
from unlearnable.models.tokens import CONTEXT, TOKENS
from unlearnable.registry import did_you_mean
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.wording import pasted

HEADER = "unlearnable"  # under which a file of weights holds what `save` notes
OFFLINE = f"works offline: {', '.join(bundled.NAMES)} (bundled), or a checkpoint on disk"
_LISTED_BY = "unlearnable list models"
_LARGEST = 1_000_000  # characters of a header or a configuration file
_DEEPEST, _WIDEST = 256, 4096  # layers of an encoder, pixels along a photo
_WEIGHTS = (".bin", ".pt", ".safetensors")


def load(name: str) -> DualEncoder:
    """Load the model of that name, on the CPU and in evaluation mode.

    Args:
        name: a bundled model, `ARCHITECTURE:TAG` (`RN50:openai`), `ARCHITECTURE:FILE`, a file written by `save`, or
            a folder.

    Raises:
        ModelError: the model does not exist, its weights cannot be fetched or do not fit, or some are not finite.
    """
    encoder = bundled.load(name) if name in bundled.NAMES else _load_other(name)
    damaged = next((key for key, value in encoder.module.state_dict().items() if not value.isfinite().all()), None)
    if damaged is not None:
        raise ModelError(f"{name}: its weights are damaged ({damaged} holds NaN or infinity)", hint=OFFLINE)
    encoder.module.eval()
    return encoder


def fresh(architecture: str, seed: int) -> DualEncoder:
    """Build a model with random weights, of a small architecture of this package or any of open_clip's.

    Raises:
        ModelError: there is no such architecture, or its text encoder is not like CLIP's.
    """
    if not is_architecture(architecture):
        names = [*ARCHITECTURES, *open_clip.list_models()]
        raise ModelError(f"there is no architecture {architecture!r}", hint=did_you_mean(architecture, names))
    with seeded(seed):
        if architecture not in ARCHITECTURES:
            return _create(architecture, None, architecture, random=True)
        encoder = build(architecture, ARCHITECTURES[architecture], HALF, HALF)
        return bundled.copy_photo_encoder(encoder) if architecture == START else encoder


def restart(encoder: DualEncoder, seed: int) -> DualEncoder:
    """Build a model of the same architecture with random weights."""
    spec = encoder.spec
    if spec.name == START:
        return fresh(START, seed)
    with seeded(seed):
        return build(spec.name, spec.config, spec.mean, spec.std)


def is_architecture(name: str) -> bool:
    """Return whether `name` is an architecture alone, without weights."""
    return name in ARCHITECTURES or name in open_clip.list_models()


def save(encoder: DualEncoder, path: Path) -> None:
    """Write weights, their checksum and the configuration to one safetensors file, which `load` reads by its path."""
    spec = encoder.spec
    state = {name: value.contiguous() for name, value in encoder.module.state_dict().items()}
    header = {"config": spec.config, "mean": spec.mean, "std": spec.std, "sha256": weights_sha256(state)}
    with files.atomic(path) as temporary:
        # `save_file` would write under a name of its own, which a kill leaves for ever
        temporary.write_bytes(serialised(state, metadata={HEADER: files.seal_json(header)}))


def is_like_clip(config: dict[str, Any]) -> bool:
    """Return whether an architecture reads texts as CLIP does, and names nothing to be fetched from elsewhere."""
    text, vision = config["text_cfg"], config["vision_cfg"]
    remote = text.get("hf_model_name") or any(letter in (vision.get("timm_model_name") or "") for letter in ":/")
    read = text.get("context_length", CONTEXT), text.get("vocab_size", TOKENS)
    return not remote and not text.get("embed_cls") and read == (CONTEXT, TOKENS)


def check_architecture(config: Any, path: Path, weights: Iterable[Path]) -> None:
    """Refuse a configuration from a file of somebody else's before open_clip builds what it asks for.

    open_clip would download what it names (`hf-hub:`, the model of a text encoder) and run code from there.

    Raises:
        ModelError: it is not of a CLIP, names something to fetch, or has more weights than the files hold.
    """
    held = sum(file.stat().st_size for file in weights)
    try:
        text, vision = CLIPTextCfg(**config["text_cfg"]), CLIPVisionCfg(**config["vision_cfg"])
        side, patch, trunk = image_side(vision.image_size), vision.patch_size or 1, vision.timm_model_name
        layers = vision.layers if isinstance(vision.layers, int) else sum(vision.layers)
        least = [config["embed_dim"] * text.width, text.layers * text.width**2 * (4 + 2 * text.mlp_ratio)]
        if trunk is None:
            least += [layers * vision.width**2 * (4 + 2 * vision.mlp_ratio), vision.width * patch**2]
            least += [vision.width * (side // patch) ** 2] if isinstance(vision.layers, int) else []
        small = max(text.layers, layers) <= _DEEPEST and side <= _WIDEST and all(2 * one <= held for one in least)
        fetches = vision.timm_model_pretrained or not (trunk is None or timm.is_model(trunk))
        plain = not (vision.output_tokens or vision.attentional_pool) and is_like_clip(config)
    except Exception as error:  # whatever a value of another type leads to
        raise ModelError(f"{path} holds no architecture of a CLIP ({reason_of(error)})", hint=OFFLINE) from error
    if fetches or not plain:
        hint = "only architectures of open_clip and of this program are loaded, and nothing that they would fetch"
        raise ModelError(f"{path}: its architecture is refused", hint=hint)
    if not small:
        raise ModelError(f"{path} asks for more weights than its files hold", hint="fetch all of it again")


def _load_other(name: str) -> DualEncoder:
    path = Path(name)
    if path.is_dir():
        if (path / TRANSFORMERS_CONFIG).is_file() and not (path / OPEN_CLIP_CONFIG).exists():
            return _load_transformers(path)
        config = path / OPEN_CLIP_CONFIG
        check_architecture(_read_json(config).get("model_cfg"), config, _weights_in(path))
        return _create(f"local-dir:{name}", None, name)
    if path.is_file():
        return _load_file(path)
    return _load_cached(name) if name in ARCHITECTURES else _load_by_tag(name)


def _read_json(path: Path) -> dict[str, Any]:
    """Return the object in a configuration file; empty where it holds another value."""
    try:
        with path.open(encoding="utf-8") as file:
            content = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        hint = "a folder needs open_clip's layout or transformers'; fetch it again"
        raise ModelError(f"{path} is missing or damaged", hint=hint) from error
    return content if isinstance(content, dict) else {}


def _weights_in(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.suffix in _WEIGHTS and file.is_file()]


def _load_by_tag(name: str) -> DualEncoder:
    """Load `ARCHITECTURE:TAG` or `ARCHITECTURE:FILE`."""
    architecture, _, tag = name.partition(":")
    architectures = open_clip.list_models()
    if architecture not in architectures:
        hint = did_you_mean(architecture, [*bundled.NAMES, *ARCHITECTURES, *architectures], _LISTED_BY)
        raise ModelError(f"there is no model {name!r}", hint=f"{hint} ({OFFLINE})")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tag:
        hint = f"tags: {', '.join(tags[:6]) or 'none'} ({OFFLINE})"
        raise ModelError(f"{name} names no weights: write {architecture}:TAG", hint=hint)
    if not Path(tag).is_file() and tag not in tags:
        raise ModelError(f"{architecture} has no weights called {tag!r}", hint=f"{did_you_mean(tag, tags)} ({OFFLINE})")
    return _create(architecture, tag, name)


def _load_cached(name: str) -> DualEncoder:
    path = cached(name)
    if not path.is_file():
        hint = f"unlearnable train --data DIR --model {name} --output {pasted(path)} ({OFFLINE})"
        raise ModelError(f"{name} has not been trained on this machine yet", hint=hint)
    encoder = _load_file(path)
    if encoder.spec.config != ARCHITECTURES[name]:
        raise ModelError(f"{path} holds another architecture than {name}", hint="train it again")
    return encoder


def _load_file(path: Path) -> DualEncoder:
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {})[HEADER]
    except Exception as error:  # safetensors raises its own kind for a file that is cut off, or of another format
        hint = f"write it in front, as in {pasted(f'RN50:{path}')}, or give the folder with its configuration"
        raise ModelError(f"{path} is damaged, or does not name its architecture", hint=hint) from error
    try:
        fields = files.unseal_json(header[:_LARGEST])
        config, mean, std = fields["config"], tuple(fields["mean"]), tuple(fields["std"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: its header is damaged", hint="train it again, or fetch it again") from error
    check_architecture(config, path, [path])
    try:
        encoder, state = build(path.stem, config, mean, std), load_file(path)
        intact = fields.get("sha256") in (None, weights_sha256(state))  # files of earlier versions have none
        encoder.module.load_state_dict(state)
    except Exception as error:  # open_clip, timm and safetensors each raise their own kinds
        message = f"{path}: no model can be built from it ({reason_of(error)})"
        raise ModelError(message, hint="train it again") from error
    if not intact:
        raise ModelError(f"{path} is damaged: its weights do not match its checksum", hint="train it again")
    return encoder


def _create(architecture: str, weights: str | None, name: str, *, random: bool = False) -> DualEncoder:
    try:
        config = open_clip.get_model_config(architecture)
        if config and not architecture.startswith("local-dir:") and not is_like_clip(config):
            raise unlike_clip(name)
        # open_clip only warns if OpenAI's weights are loaded into an architecture without their QuickGELU
        wants = bool(weights and (open_clip.get_pretrained_cfg(architecture, weights) or {}).get("quick_gelu"))
        if wants:
            config["quick_gelu"] = True
        with quiet():
            module = open_clip.create_model(
                architecture, weights, require_pretrained=not random, force_quick_gelu=wants
            )
    except ModelError:
        raise
    except Exception as error:  # the hub, torch and open_clip each raise their own kinds
        raise ModelError(f"{name}: its weights could not be loaded ({reason_of(error)})", hint=OFFLINE) from error
    prep = open_clip.get_model_preprocess_cfg(module)
    spec = EncoderSpec(name, image_side(prep["size"]), tuple(prep["mean"]), tuple(prep["std"]), config)
    return DualEncoder(module, spec)


# CLIPs in the layout of Hugging Face's transformers

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


def _load_transformers(folder: Path) -> DualEncoder:
    """Load the CLIP that transformers' `save_pretrained` wrote; nothing is fetched, and no code in the folder is run.

    Raises:
        ModelError: the folder holds no CLIP, one that open_clip cannot be given, or not all of its weights.
    """
    from transformers import CLIPConfig, CLIPModel

    path = folder / TRANSFORMERS_CONFIG
    content = _read_json(path)
    if content.get("model_type") != "clip":
        raise ModelError(f"{folder} holds another model than transformers' CLIPModel", hint=OFFLINE)
    try:
        asked = CLIPConfig.from_dict(content)
        parts = asked.text_config, asked.vision_config
        config = _in_open_clip(asked)
    except Exception as error:  # a setting of another type than transformers expects
        raise ModelError(f"{path} is damaged ({type(error).__name__})", hint="fetch it again") from error
    check_architecture(config, path, _weights_in(folder))
    acts = {part.hidden_act for part in parts}
    if len(acts) > 1 or not acts <= _ACTIVATIONS.keys() or any(part.layer_norm_eps != _EPS for part in parts):
        raise ModelError(f"{folder}: open_clip has no such CLIP", hint="activations or layer normalisation differ")
    photos = next(filter(Path.is_file, map(folder.joinpath, _PROCESSORS)), None)
    found = _read_json(photos) if photos else {}
    found = found.get("image_processor", found)
    try:
        mean = tuple(found.get("image_mean", open_clip.OPENAI_DATASET_MEAN))
        std = tuple(found.get("image_std", open_clip.OPENAI_DATASET_STD))
        with quiet():
            model, loading = CLIPModel.from_pretrained(
                str(folder), dtype=torch.float32, local_files_only=True, output_loading_info=True
            )
        if missing := sorted(loading["missing_keys"]):
            raise ModelError(f"{folder} lacks weights of a CLIP, such as {missing[0]}", hint="fetch it again")
        encoder = build(str(folder), config, mean, std)
        encoder.module.load_state_dict(_renamed(model.state_dict()))
    except ModelError:
        raise
    except Exception as error:  # torch, safetensors and transformers each raise their own kinds
        reason = reason_of(error)
        raise ModelError(f"{folder}: no CLIP can be built from it ({reason})", hint="fetch it again") from error
    return encoder


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


# Downloads


def fetch(names: Sequence[str], progress: Progress) -> None:
    """Download each model that is not on this machine, with a note.

    Raises:
        ModelError: it is none that this program can use, or the download fails.
    """
    for name in names:
        source = to_download(name)
        if source is None:
            continue
        architecture, _, tag = name.partition(":")
        if not is_like_clip(open_clip.get_model_config(architecture)):
            raise unlike_clip(name)
        progress.note(f"{name} is not on this machine: it is downloaded from {source} first")
        try:
            with quiet():
                pretrained.download_pretrained(open_clip.get_pretrained_cfg(architecture, tag))
        except UnlearnableError:
            raise
        except Exception as error:  # the hub, its client and open_clip each raise their own kinds
            if full := files.full_disk(error):
                raise full from error
            message = f"{name}: its weights could not be downloaded ({reason_of(error)})"
            raise ModelError(message, hint=OFFLINE) from error


def to_download(name: str) -> str | None:
    """Return the address that a model would be downloaded from; None if it is here already, or nobody publishes it."""
    from huggingface_hub import constants

    architecture, _, tag = name.partition(":")
    if not tag or name in (*bundled.NAMES, *ARCHITECTURES) or Path(name).exists() or Path(tag).exists():
        return None
    config = open_clip.get_pretrained_cfg(architecture, tag)
    if not config or constants.HF_HUB_OFFLINE:  # open_clip reports at once what is wrong
        return None
    if hub := config.get("hf_hub"):
        repository = "--".join(["models", *hub.strip("/").split("/")[:2]])
        weights = (Path(constants.HF_HUB_CACHE) / repository / "snapshots").glob("*/*")
        return None if any(path.suffix in _WEIGHTS for path in weights) else constants.ENDPOINT
    url = config.get("url")
    return None if not url or (Path("~/.cache/clip").expanduser() / Path(url).name).is_file() else str(url)
