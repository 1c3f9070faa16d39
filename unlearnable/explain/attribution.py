"""What in a post makes a model bring photo and caption together: regions of the photo, words of the caption.

Grad-CAM: Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization* (ICCV
2017); the score is the cosine of photo and caption. Integrated gradients: Sundararajan et al., *Axiomatic Attribution
for Deep Networks* (ICML 2017); the path leads from the caption with all its words blank (the padding token) to the
caption, at the token embeddings. By completeness the attributions sum to the difference of the cosines at both ends.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CONTEXT, tokenizer
from unlearnable.report import WordRecord

TOLERANCE = 0.02  # share of the score difference
STEPS = (32, 64, 128, 256, 512)
POINTS_AT_ONCE = 64
BLANK = 0
HINT = "choose a model with a convolutional photo encoder or a vision transformer"


def gradcam(encoder: DualEncoder, pixels: Tensor, tokens: Tensor) -> NDArray[np.float32]:
    """Return the saliency (s, s) of a photo (3, s, s) in [0, 1] for a caption, tokens (t,); its highest value is 1.

    It is 0 everywhere if no region raises the similarity.

    Raises:
        ModelError: the photo encoder has no known feature map.
    """
    from captum import attr

    text = encoder.encode_text(tokens[None].to(encoder.device)).detach()

    def score(batch: Tensor) -> Tensor:
        return (encoder.encode_image(batch) * text).sum(dim=1)

    batch = pixels[None].to(encoder.device).requires_grad_(True)
    with last_map(encoder) as layer:
        coarse = attr.LayerGradCam(score, layer).attribute(batch, relu_attributions=True)
    saliency = attr.LayerAttribution.interpolate(coarse, tuple(pixels.shape[-2:]), "bilinear")
    values: NDArray[np.float32] = saliency[0, 0].detach().float().cpu().numpy()
    highest = float(values.max())
    return values / np.float32(highest) if highest > 0 else values


@contextmanager
def last_map(encoder: DualEncoder) -> Iterator[nn.Module]:
    """Yield a module whose output within the block is the last feature map (b, c, h, w)."""
    visual: Any = encoder.module.visual
    trunk: Any = getattr(visual, "trunk", None)
    if hasattr(visual, "transformer"):
        blocks, grid = visual.transformer.resblocks, visual.grid_size
    elif hasattr(trunk, "patch_embed") and hasattr(trunk, "blocks"):
        blocks, grid = trunk.blocks, trunk.patch_embed.grid_size
    elif hasattr(trunk, "patch_embed"):
        raise ModelError(f"{encoder.name}: its photo encoder has no known feature map", hint=HINT)
    else:
        yield _last_convolution(encoder)
        return
    patches = _Patches(tuple(grid))
    hook = blocks[-1].register_forward_pre_hook(patches.enter)
    try:
        yield patches
    finally:
        hook.remove()


class _Patches(nn.Module):
    """Patch tokens (b, rows * columns, d) as a feature map (b, d, rows, columns)."""

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid

    def forward(self, tokens: Tensor) -> Tensor:
        feature_map: Tensor = tokens.transpose(1, 2).unflatten(2, self._grid)
        return feature_map

    def enter(self, _: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the patch tokens that enter a block through this module; class and other tokens stay in front."""
        tokens, *others = arguments
        prefix = tokens.shape[1] - self._grid[0] * self._grid[1]
        patches = self(tokens[:, prefix:]).flatten(2).transpose(1, 2)
        return (torch.cat([tokens[:, :prefix], patches], dim=1), *others)


@torch.no_grad()
def _last_convolution(encoder: DualEncoder) -> nn.Module:
    """Return the last module to finish whose output has more than one position, found by a trial run."""
    modules: list[nn.Module] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            modules.append(module)

    visual: Any = encoder.module.visual
    hooks = [module.register_forward_hook(note) for module in visual.modules()]
    encoder.encode_image(torch.zeros(1, 3, encoder.image_size, encoder.image_size, device=encoder.device))
    for hook in hooks:
        hook.remove()
    if not modules:
        raise ModelError(f"{encoder.name}: its photo encoder has no feature map", hint=HINT)
    return modules[-1]


def split_words(caption: str) -> tuple[list[str], list[int], Tensor]:
    """Return the words of a caption, the number of tokens of each, and the token ids (t,), as far as a CLIP reads."""
    codec = tokenizer()
    words: list[str] = []
    counts: list[int] = []
    tokens: list[int] = []
    for word in codec.clean_fn(caption).split():
        part = codec.encode(word)[: CONTEXT - 2 - len(tokens)]
        if not part:
            break
        words.append(word)
        counts.append(len(part))
        tokens += part
    return words, counts, torch.tensor([codec.sot_token_id, *tokens, codec.eot_token_id])


def integrated_gradients(encoder: DualEncoder, pixels: Tensor, caption: str) -> tuple[list[WordRecord], float, float]:
    """Return what each word adds to the cosine of a photo, (3, s, s) in [0, 1], and its caption, and both cosines.

    The second is the one of the caption with its words blank.
    The path is refined until the attribution is complete within `TOLERANCE`, or has 512 points.
    """
    from captum.attr import LayerIntegratedGradients

    words, counts, ids = split_words(caption)
    tokens = ids[None].to(encoder.device)
    blank = tokens.clone()
    blank[:, 1:-1] = BLANK
    scored = _Scored(encoder, encoder.encode_image(pixels[None].to(encoder.device)).detach(), tokens)
    with torch.no_grad():
        score, start = float(scored(tokens)), float(scored(blank))
    method = LayerIntegratedGradients(scored, scored.table)
    for steps in STEPS:
        attributions = method.attribute(tokens, blank, n_steps=steps, internal_batch_size=POINTS_AT_ONCE)
        if abs(float(attributions.sum()) - (score - start)) <= TOLERANCE * abs(score - start):
            break
    of_tokens = attributions[0].detach().sum(dim=1)[1:-1].float().cpu()
    parts = zip(words, of_tokens.split(counts), strict=True)
    return [WordRecord(word=word, attribution=float(part.sum())) for word, part in parts], score, start


class _Scored(nn.Module):
    """The text encoder followed by the cosine to one photo, with the token table as a layer of its own."""

    def __init__(self, encoder: DualEncoder, image: Tensor, tokens: Tensor) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(encoder.token_table.detach(), freeze=False)
        self._encoder, self._image = encoder, image
        self._tokens = tokens  # mark the end of the text for every point on the path

    def forward(self, tokens: Tensor) -> Tensor:
        text = self._encoder.encode_embedded(self.table(tokens), self._tokens.expand(len(tokens), -1))
        return (text * self._image).sum(dim=1)


def mark_words(words: Sequence[str], chosen: str) -> list[bool]:
    """Return which words belong to the first occurrence of the words of `chosen` in sequence, if there is one."""
    sought = tokenizer().clean_fn(chosen).split()
    starts = [n for n in range(len(words)) if sought and list(words[n : n + len(sought)]) == sought]
    return [bool(starts) and starts[0] <= n < starts[0] + len(sought) for n in range(len(words))]


def share_of(values: Sequence[float], mask: Sequence[bool]) -> float | None:
    """Return the share of the absolute attribution on the marked words; None if no word is marked or all are 0."""
    total = sum(map(abs, values))
    marked = sum(abs(value) for value, chosen in zip(values, mask, strict=True) if chosen)
    return marked / total if any(mask) and total else None
