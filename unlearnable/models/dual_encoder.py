"""The model interface of all mathematics here: two encoders, pixels in [0, 1], token rows of any length.

For many steps in which the weights stay, an encoder is replaced by a copy (`DualEncoder.settle`): with batch
normalisation folded, large weights in bf16, and gradients damped.
"""

import copy
import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.fusion import fuse_conv_bn_eval

from unlearnable.errors import ModelError, OutputError
from unlearnable.models.device import seeded
from unlearnable.models.tokens import CONTEXT, TOKENS
from unlearnable.settings import Precision
from unlearnable.storage import files
from unlearnable.storage.folders import cache_folder

Triple = tuple[float, float, float]
SHARE = 0.5  # of the gradient that comes back beside a skip connection (docs/results/variants.csv)
_CLOSE = 1e-3  # difference from the encoder before folding, as a share of its output, that rounding may make


@dataclass(frozen=True)
class EncoderSpec:
    """What a `DualEncoder` needs to know about its open_clip module besides the weights."""

    name: str  # as the user wrote it
    image_size: int  # side of the square input, in pixels
    mean: Triple  # of each colour channel, for normalisation
    std: Triple
    config: dict[str, Any] = field(default_factory=dict)  # open_clip's


class DualEncoder:
    """An open_clip model behind the few calls that the optimisation needs.

    Pixels go in as [0, 1] and are normalised inside; features come out normalised. `encode_embedded` starts after the
    token table, so that the gradient at the token embeddings (HotFlip, Eq. 6) takes one `autograd.grad` and no hook.
    `precise` says that its photos need more digits than usual: those of a surrogate do, in the MEM loss.

    Raises:
        ModelError: the text encoder has no token table like CLIP's, or reads texts of another length.
    """

    def __init__(self, module: nn.Module, spec: EncoderSpec, *, precise: bool = False) -> None:
        from unlearnable.models.fast_layers import replace_slow

        # convolutions are faster in this order
        self.module: nn.Module = replace_slow(module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.spec = spec
        self.precise = precise
        text: Any = getattr(module, "text", module)
        if not hasattr(text, "token_embedding") or getattr(text, "cls_emb", None) is not None:
            raise unlike_clip(spec.name)
        if text.context_length != CONTEXT or text.token_embedding.num_embeddings != TOKENS:
            raise ModelError(
                f"{spec.name}: it reads {text.context_length} of {text.token_embedding.num_embeddings:,} tokens, "
                f"and not {CONTEXT} of CLIP's {TOKENS:,}",
                hint="choose a model that reads texts as CLIP does, such as small or RN50:openai",
            )
        self._text = text
        self._pool: str = getattr(text, "pool_type", getattr(text, "text_pool_type", "argmax"))
        self._causal = text.attn_mask is not None
        self._reads_padding = not (self._causal and self._pool in ("argmax", "eos"))
        self._mean = torch.tensor(spec.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(spec.std).view(1, 3, 1, 1)
        self._settled: tuple[nn.Module, nn.Module] | None = None  # photo encoder and text transformer, until `learn`

    @property
    def name(self) -> str:
        """The name that the user wrote."""
        return self.spec.name

    @property
    def image_size(self) -> int:
        """The side of the square input, in pixels."""
        return self.spec.image_size

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.token_table.device

    @property
    def token_table(self) -> Tensor:
        """(v, w) embeddings of all tokens."""
        table: Tensor = self._text.token_embedding.weight
        return table

    @property
    def logit_scale(self) -> Tensor:
        """The factor on the cosines (already exponentiated)."""
        scale: Tensor = self.module.logit_scale.exp()  # type: ignore[operator]
        return scale.squeeze()

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Return features (b, d) of pixels (b, 3, h, w) in [0, 1] at the model's image size."""
        normal = ((pixels - self._mean.to(pixels)) / self._std.to(pixels)).contiguous(memory_format=torch.channels_last)
        encoder = self.module.get_submodule("visual") if self._settled is None else self._settled[0]
        return F.normalize(encoder(normal), dim=-1)

    def embed(self, tokens: Tensor) -> Tensor:
        """Return token embeddings (b, t, w) of token ids (b, t)."""
        return F.embedding(tokens, self.token_table)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Return features (b, d) of token ids (b, t), with t up to the context length."""
        return self.encode_embedded(self.embed(tokens), tokens)

    def encode_embedded(self, embedded: Tensor, tokens: Tensor) -> Tensor:
        """Return features (b, d) of token embeddings (b, t, w); `tokens` (b, t) only marks the end of the text."""
        if self._reads_padding and (missing := CONTEXT - tokens.shape[1]):
            padding = self.embed(tokens.new_zeros(len(tokens), missing))
            embedded, tokens = torch.cat([embedded, padding], dim=1), F.pad(tokens, (0, missing))
        text, length = self._text, tokens.shape[1]
        transformer = text.transformer if self._settled is None else self._settled[1]
        x = embedded + text.positional_embedding[:length]
        mask = text.attn_mask[:length, :length] if self._causal else None
        x = text.ln_final(transformer(x, attn_mask=mask))
        rows = torch.arange(len(x), device=x.device)
        if self._pool == "argmax":
            x = x[rows, tokens.argmax(dim=-1)]
        elif self._pool == "last":
            x = x[:, -1]
        elif self._pool == "first":
            x = x[:, 0]
        else:
            x = x[rows, (tokens == text.eos_id).int().argmax(dim=-1)]
        projection = text.text_projection
        if isinstance(projection, nn.Linear):
            x = projection(x)
        elif projection is not None:
            x = x @ projection
        return F.normalize(x, dim=-1)

    def trim(self, tokens: Tensor) -> Tensor:
        """Cut padding that no row needs. Features stay equal: the mask is causal and the end token is pooled."""
        if self._reads_padding:
            return tokens
        used = (tokens != 0).any(dim=0).nonzero()  # by the last one: 0 is not padding alone, it is "!" too
        return tokens[:, : int(used.max()) + 1 if len(used) else 1]

    def settle(self, *, photos_in_bf16: bool = False, texts_in_bf16: bool = False, damp: bool = False) -> None:
        """Enter evaluation mode for many steps: until `learn`, photos and texts pass faster copies of the encoders.

        These are not told that they need no gradients: PyTorch then multiplies the activations of a transformer
        without folding the batch, which takes up to four times as long in bf16 (tools/bench/frozen.py). To `damp` lets
        gradients come back to photos along skip connections more than beside them.
        """
        self.module.eval()
        photos, texts = folded(self.module.get_submodule("visual"), self.image_size), self._text.transformer
        photos = damped(photos) if damp else photos
        self._settled = (_halved(photos) if photos_in_bf16 else photos, _halved(texts) if texts_in_bf16 else texts)

    def learn(self) -> None:
        """Enter training mode."""
        self._settled = None
        self.module.train()

    def clone(self, *, precise: bool = False) -> "DualEncoder":
        """Return an independent copy, for training; `precise` for the MEM loss."""
        return DualEncoder(copy.deepcopy(self.module), self.spec, precise=precise)

    def to(self, device: torch.device | str) -> "DualEncoder":
        """Move the weights to a device and return this encoder."""
        self.module.to(device)
        return self


def build(name: str, config: dict[str, Any], mean: Triple, std: Triple) -> DualEncoder:
    """Build a model with random weights from an open_clip model configuration."""
    import open_clip

    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    module = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    return DualEncoder(module, EncoderSpec(name, image_side(config["vision_cfg"]["image_size"]), mean, std, config))


def unlike_clip(name: str) -> ModelError:
    """Return the error for a model whose texts this program cannot read."""
    return ModelError(
        f"{name}: its text encoder is not like CLIP's",
        hint="choose a model with CLIP's own text transformer, such as small or RN50:openai",
    )


def image_side(size: int | tuple[int, int] | list[int]) -> int:
    """Return the side, in pixels, of the square input that a configuration asks for."""
    if not isinstance(size, int) and size[0] != size[1]:
        raise ValueError("photos are loaded as squares")
    return size if isinstance(size, int) else int(size[0])


def weights_sha256(state: Mapping[str, Tensor]) -> str:
    """Return the hex SHA-256 of named weights: their names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        flat = value.detach().cpu().contiguous()
        digest.update(f"{name} {flat.dtype} {tuple(flat.shape)}\n".encode())
        digest.update(flat.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@torch.no_grad()
def folded(encoder: nn.Module, side: int) -> nn.Module:
    """Return a copy of a photo encoder in evaluation mode that computes the same with fewer passes over memory.

    One photo of noise, of `side` pixels, shows which convolution feeds which normalisation. The encoder itself comes
    back where no batch normalisation follows a convolution, or the copy would compute something else.
    """
    weight = next(encoder.parameters())
    photo = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(weight)
    expected, pairs = _pairs(encoder, photo)
    if not pairs:
        return encoder
    other: nn.Module = copy.deepcopy(encoder)
    for convolution, normalisation in pairs:
        before: Any = other.get_submodule(convolution)
        after: Any = other.get_submodule(normalisation)
        fused = fuse_conv_bn_eval(before, after)
        other.set_submodule(convolution, fused.requires_grad_(False))  # no step asks for gradients of these copies
        other.set_submodule(normalisation, getattr(after, "act", nn.Identity()))  # timm's has the activation inside
    difference = (other(photo) - expected).norm() / expected.norm()
    return other.to(memory_format=torch.channels_last) if difference < _CLOSE else encoder  # type: ignore[call-overload]


def _pairs(encoder: nn.Module, photo: Tensor) -> tuple[Tensor, list[tuple[str, str]]]:
    """Return the encoder's output for a photo, and the names of each convolution and the normalisation it feeds."""
    outputs: list[tuple[str, Tensor]] = []  # kept alive, so that no later tensor takes the place of an earlier one
    pairs: list[tuple[str, str]] = []

    def watch(name: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        if isinstance(module, nn.Conv2d):
            return [module.register_forward_hook(lambda _, __, output: outputs.append((name, output)))]
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            return [module.register_forward_pre_hook(lambda _, given: fed(name, given[0]))]
        return []

    def fed(name: str, given: Tensor) -> None:
        pairs.extend((convolution, name) for convolution, output in outputs if output is given)

    handles = [handle for name, module in encoder.named_modules() for handle in watch(name, module)]
    try:
        expected: Tensor = encoder(photo)
    finally:
        for handle in handles:
            handle.remove()
    return expected, pairs


def _halved(encoder: nn.Module) -> nn.Module:
    """Return a copy for an encoder that computes in bf16: its large weights need not be converted at each step."""
    other = copy.deepcopy(encoder)
    for layer in other.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.MultiheadAttention):
            layer.to(torch.bfloat16)
    return other


def damped(encoder: nn.Module) -> nn.Module:
    """Return a copy of a convolutional encoder whose residual blocks damp gradients; the encoder itself if it has none.

    Its layers are those of `replace_slow`, which add into new tensors. A transformer stays as it is: features of its
    own kind shift less by such gradients.
    """
    if not any(map(_last, encoder.modules())):
        return encoder
    other = copy.deepcopy(encoder)
    for block in list(other.modules()):
        if name := _last(block):
            block.set_submodule(name, nn.Sequential(block.get_submodule(name), _Damped()))
    return other


def _last(block: nn.Module) -> str:
    """Return the name of the last layer beside a skip connection of a block, or an empty string."""
    from open_clip.modified_resnet import Bottleneck

    if isinstance(block, Bottleneck):
        return "bn3"
    return "drop_path" if getattr(block, "has_skip", False) and hasattr(block, "drop_path") else ""


class _Damped(nn.Module):
    """Hands numbers on as they are, and a share of their gradient back."""

    def forward(self, x: Tensor) -> Tensor:
        return _ShareOfGradient.apply(x)  # type: ignore[no-untyped-call, no-any-return]


class _ShareOfGradient(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient * SHARE


WORTH = 1.2  # times as fast: more than two measurements differ
PRECISE = 2.0  # of photos in the MEM loss: with fewer digits it protects less (docs/results/variants.csv)
_PHOTOS, _TEXTS, _TOKENS, _ROUNDS = 16, 32, 24, 3
_FILE = "precision.json"
_speedups: dict[str, float] = {}  # what is known of this machine
MEASURED = 2  # what is measured: another number where layers or the measurement change, so that all is measured anew

Encoder = Literal["photo", "text"]
ENCODERS: tuple[Encoder, ...] = get_args(Encoder)


def computing(model: DualEncoder, precision: Precision, encoder: Encoder) -> torch.autocast:
    """Return the context in which an encoder of a model computes its gradient steps; features may come out in bf16."""
    return torch.autocast(model.device.type, torch.bfloat16, enabled=in_bf16(model, precision, encoder))


def encode_photos(model: DualEncoder, pixels: Tensor, precision: Precision) -> Tensor:
    """Return the features (b, d) in fp32, on the model's device, of photos as they are loaded (b, 3, s, s)."""
    with computing(model, precision, "photo"):
        return model.encode_image(pixels.to(model.device)).float()


def encode_texts(model: DualEncoder, tokens: Tensor, precision: Precision) -> Tensor:
    """Return the features (b, d) in fp32, on the model's device, of texts that are only read, as tokens (b, t)."""
    with computing(model, precision, "text"):
        return model.encode_text(tokens.to(model.device)).float()


def in_bf16(model: DualEncoder, precision: Precision, encoder: Encoder) -> bool:
    """Return whether an encoder computes in bf16; "auto" is the faster format on this machine."""
    if precision != "auto":
        return precision == "bf16"
    if model.device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    worth = PRECISE if model.precise and encoder == "photo" else WORTH
    return model.device.type == "cpu" and _remembered(model, encoder) > worth


def _remembered(model: DualEncoder, encoder: Encoder) -> float:
    """Return the speedup of the encoder when it was measured first, so that runs that are resumed agree."""
    part = "vision_cfg" if encoder == "photo" else "text_cfg"
    layers = json.dumps(model.spec.config.get(part, model.name), sort_keys=True, default=str)
    machine = f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    key = hashlib.sha256(f"{MEASURED} {encoder} {layers} {machine}".encode()).hexdigest()[:16]
    if key not in _speedups:
        _speedups.update(_read())
    if key not in _speedups:
        _speedups[key] = speedup(model, encoder)
        with suppress(OutputError):  # measured again by the next run; others may have measured since
            files.write_text(cache_folder() / _FILE, files.seal_json({**_speedups, **_read()}))
    return _speedups[key]


def _read() -> dict[str, float]:
    with suppress(OSError, TypeError, ValueError):
        return files.unseal_json((cache_folder() / _FILE).read_bytes())
    return {}


def speedup(model: DualEncoder, encoder: Encoder) -> float:
    """Measure how many times as fast a training step of an encoder is in bf16, in time of the processor.

    Other work on the machine changes that less than the time of a clock. What is drawn later does not change.
    """
    copy = model.clone()
    copy.module.train().requires_grad_(True)
    weights, seconds = list(copy.module.parameters()), {False: list[float](), True: list[float]()}
    with torch.enable_grad(), seeded(0, model.device):
        pixels = torch.rand(_PHOTOS, 3, model.image_size, model.image_size, device=model.device)
        tokens = torch.ones(_TEXTS, _TOKENS, dtype=torch.long, device=model.device)
        for bf16 in (False, True) * _ROUNDS:
            began = time.process_time()
            with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
                features = copy.encode_image(pixels) if encoder == "photo" else copy.encode_text(tokens)
            torch.autograd.grad(features.float().sum(), weights, allow_unused=True)
            seconds[bf16].append(time.process_time() - began)
    return min(seconds[False]) / min(seconds[True])
