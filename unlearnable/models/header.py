"""What a model file may ask for: sizes within bounds and architectures by plain names, never what to fetch.

open_clip would download what a configuration names (`hf-hub:`, the model of a text encoder) and run code from there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from unlearnable.errors import ModelError
from unlearnable.models.tokens import CONTEXT, TOKENS
from unlearnable.storage import checksums

LARGEST = 1_000_000  # characters of a header or a configuration file
OPEN_CLIP_CONFIG = "open_clip_config.json"
TRANSFORMERS_CONFIG = "config.json"
Width = Annotated[int, Field(ge=1, le=16_384)]
Depth = Annotated[int, Field(ge=1, le=256)]
Side = Annotated[int, Field(ge=8, le=4096)]
Share = Annotated[float, Field(ge=0, le=16)]
Mean = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
_Deviation = Annotated[FiniteFloat, Field(gt=0)]
Deviation = tuple[_Deviation, _Deviation, _Deviation]


def _square(sides: tuple[int, int]) -> tuple[int, int]:
    if sides[0] != sides[1]:
        raise ValueError("photos are loaded as squares")
    return sides


def _known(name: str) -> str:
    import timm

    if not timm.is_model(name):
        raise ValueError("there is no such photo encoder in this version")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PhotoEncoder(_Strict):
    """Configuration of a photo encoder, with open_clip's names."""

    image_size: Side | Annotated[tuple[Side, Side], AfterValidator(_square)]
    layers: Depth | tuple[Depth, Depth, Depth, Depth] = 12
    width: Width = 768
    head_width: Width = 64
    mlp_ratio: Share = 4.0
    patch_size: Side | Annotated[int, Field(ge=1, le=7)] | None = 16
    timm_model_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,100}$"), AfterValidator(_known)] | None = None
    timm_model_pretrained: Literal[False] = False
    timm_pool: Literal["", "avg", "avgmax", "max", "token", "map", "abs_attn", "rot_attn"] = "avg"
    timm_proj: Literal["", "linear", "mlp", "none"] | None = "linear"
    timm_proj_bias: bool = False
    timm_drop: Share = 0.0
    timm_drop_path: Share | None = None
    ls_init_value: Share | None = None
    attentional_pool: bool = False
    attn_pooler_heads: Depth = 8
    attn_pooler_queries: Width = 256
    no_ln_pre: bool = False
    pool_type: Literal["tok", "avg", "none"] = "tok"
    final_ln_after_pool: bool = False
    output_tokens: Literal[False] = False


class TextEncoder(_Strict):
    """Configuration of a text encoder of CLIP's kind, with open_clip's names."""

    context_length: Annotated[int, Field(ge=4, le=4096)] = 77
    vocab_size: Annotated[int, Field(ge=16, le=1_000_000)] = 49408
    width: Width = 512
    heads: Depth = 8
    layers: Depth = 12
    mlp_ratio: Share = 4.0
    ls_init_value: Share | None = None
    embed_cls: bool = False
    pad_id: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    eos_id: Annotated[int, Field(ge=0, le=1_000_000)] = 2
    no_causal_mask: bool = False
    final_ln_after_pool: bool = False
    pool_type: Literal["argmax", "last", "first", "eos", "none"] = "argmax"
    proj_bias: bool = False
    proj_type: Literal["linear", "none"] | None = "linear"
    output_tokens: bool = False
    act_kwargs: dict[str, str | float | bool | None] | None = None
    norm_kwargs: dict[str, str | float | bool | None] | None = None
    hf_tokenizer_name: str = ""  # without effect: texts are cut by CLIP's own tokenizer
    tokenizer_kwargs: dict[str, Any] | None = None


class Architecture(_Strict):
    """Configuration of a CLIP, with open_clip's names."""

    embed_dim: Width
    vision_cfg: PhotoEncoder
    text_cfg: TextEncoder
    quick_gelu: bool = False
    custom_text: bool = False
    init_logit_scale: FiniteFloat | None = None
    init_logit_bias: FiniteFloat | None = None

    def least_weights(self) -> int:
        """Return a number of weights that a model of this configuration has at least."""
        text, vision = self.text_cfg, self.vision_cfg
        count = text.vocab_size * text.width + 4 * text.layers * text.width**2
        if vision.timm_model_name is None and isinstance(vision.layers, int):
            count += 4 * vision.layers * vision.width**2
        return count


class Header(_Strict):
    """What the header of a model file says."""

    config: Architecture
    mean: Mean
    std: Deviation
    sha256: str | None = None


def read_header(text: str, path: Path) -> dict[str, Any]:
    """Return the fields of a model file's header, as they stand there, once they are known to be harmless.

    Raises:
        ModelError: the header is damaged, or asks for what no model of this program has.
    """
    try:
        fields = checksums.unseal_json(text[:LARGEST])
        header = Header.model_validate(fields)
    except ValidationError as error:
        raise refused(path, error) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: its header is damaged", hint="train it again, or fetch it again") from error
    if 2 * header.config.least_weights() > path.stat().st_size:  # in half precision
        raise ModelError(f"{path}: its header asks for more weights than the file holds", hint="train it again")
    return fields


def check_folder(folder: Path) -> None:
    """Check the configuration in a folder in open_clip's own layout, which open_clip then reads.

    Raises:
        ModelError: it is missing or damaged, or asks for what no model of this program has.
    """
    path = folder / OPEN_CLIP_CONFIG
    try:
        Architecture.model_validate(read_json(path).get("model_cfg"))
    except ValidationError as error:
        raise refused(path, error) from error


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a configuration file; empty where it holds another value.

    Raises:
        ModelError: it is missing or damaged.
    """
    try:
        with path.open(encoding="utf-8") as file:
            content = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        hint = "a folder needs open_clip's layout or transformers'; fetch it again"
        raise ModelError(f"{path} is missing or damaged", hint=hint) from error
    return content if isinstance(content, dict) else {}


def unlike_clip(name: str) -> ModelError:
    """Return the error for a model whose texts this program cannot read."""
    return ModelError(
        f"{name}: its text encoder is not like CLIP's",
        hint="choose a model with CLIP's own text transformer, such as small or RN50:openai",
    )


def is_like_clip(config: dict[str, Any]) -> bool:
    """Return whether an architecture reads texts as CLIP does, and names nothing to be fetched from elsewhere."""
    text, vision = config["text_cfg"], config["vision_cfg"]
    remote = text.get("hf_model_name") or any(letter in vision.get("timm_model_name", "") for letter in ":/")
    read = text.get("context_length", CONTEXT), text.get("vocab_size", TOKENS)
    return not remote and not text.get("embed_cls") and read == (CONTEXT, TOKENS)


def refused(path: Path, error: ValidationError) -> ModelError:
    """Return the error for a file that asks for what no model of this program has."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("constrained", "function")))
    return ModelError(
        f"{path}: its header is refused: {field[:80]}: {first['msg'][:80]}",
        hint="only architectures of open_clip and of this program are loaded, and nothing that they would fetch",
    )
