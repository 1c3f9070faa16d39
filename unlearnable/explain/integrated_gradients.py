"""Integrated gradients: how much each word of a caption adds to its similarity to a photo.

Sundararajan et al., *Axiomatic Attribution for Deep Networks* (ICML 2017). The path leads from the caption with all
its words blank (the padding token) to the caption, at the token embeddings; start and end tokens are unchanged. By
completeness the attributions of the words sum to the difference of the cosines at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CONTEXT, tokenizer

TOLERANCE = 0.02  # share of the score difference
STEPS = (32, 64, 128, 256, 512)
_AT_ONCE = 64  # points of the path per forward pass
BLANK = 0


@dataclass(frozen=True)
class Words:
    """A caption as words and their tokens.

    Attributes:
        words: words as the tokenizer cleans them, split at white space.
        counts: number of tokens of each word; a word beyond the context is left out.
        tokens: (t,) token ids with start and end.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    tokens: Tensor


@dataclass(frozen=True)
class Attribution:
    """What each word adds to the cosine of photo and caption.

    Attributes:
        words: words of the caption.
        values: attribution of each word.
        score: cosine with the caption.
        blank: cosine with the caption's words blank.
        error: difference between the sum of the attributions and `score` - `blank`, as a share of the latter.
        steps: number of points on the path.
    """

    words: tuple[str, ...]
    values: tuple[float, ...]
    score: float
    blank: float
    error: float
    steps: int


def split_words(caption: str) -> Words:
    """Split a caption into words and tokens, as far as they fit the context of a CLIP."""
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
    ids = torch.tensor([codec.sot_token_id, *tokens, codec.eot_token_id])
    return Words(tuple(words), tuple(counts), ids)


def integrated_gradients(encoder: DualEncoder, pixels: Tensor, caption: str) -> Attribution:
    """Return the attribution of each word; the path is refined until it is complete within `TOLERANCE`, or 512 points.

    Args:
        encoder: model in evaluation mode.
        pixels: (3, s, s) in [0, 1] at the model's image size.
        caption: caption of at least one word.
    """
    from captum.attr import LayerIntegratedGradients

    split = split_words(caption)
    tokens = split.tokens[None].to(encoder.device)
    blank = tokens.clone()
    blank[:, 1:-1] = BLANK
    image = encoder.encode_image(pixels[None].to(encoder.device)).detach()
    scored = _Scored(encoder, image, tokens)
    with torch.no_grad():
        score, start = float(scored(tokens)), float(scored(blank))
    method = LayerIntegratedGradients(scored, scored.table)
    for steps in STEPS:
        attributions = method.attribute(tokens, blank, n_steps=steps, internal_batch_size=_AT_ONCE)
        total = float(attributions.sum())
        error = abs(total - (score - start)) / max(abs(score - start), 1e-12)
        if error <= TOLERANCE:
            break
    values = merge(attributions[0].detach().sum(dim=1)[1:-1].float().cpu(), split.counts)
    return Attribution(split.words, tuple(values), score, start, error, steps)


def merge(values: Tensor, counts: Sequence[int]) -> list[float]:
    """Return the sums of token values (t,) over the tokens of each word."""
    return [float(part.sum()) for part in values.split(list(counts))]


def marked(words: Sequence[str], chosen: str) -> list[bool]:
    """Return which words belong to the first occurrence of the words of `chosen` in sequence, if there is one."""
    wanted = tokenizer().clean_fn(chosen).split()
    starts = [n for n in range(len(words)) if wanted and list(words[n : n + len(wanted)]) == wanted]
    return [bool(starts) and starts[0] <= n < starts[0] + len(wanted) for n in range(len(words))]


def share_of(values: Sequence[float], mask: Sequence[bool]) -> float | None:
    """Return the share of the absolute attribution on the marked words; None if no word is marked or all are 0."""
    total = sum(map(abs, values))
    if not any(mask) or total == 0:
        return None
    return sum(abs(value) for value, chosen in zip(values, mask, strict=True) if chosen) / total


class _Scored(nn.Module):
    """The text encoder followed by the cosine to one photo, with the token table as a layer of its own."""

    def __init__(self, encoder: DualEncoder, image: Tensor, tokens: Tensor) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(encoder.token_table.detach(), freeze=False)
        self._encoder = encoder
        self._image = image
        self._tokens = tokens  # mark the end of the text for every point on the path

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the cosines (b,) of token ids (b, t)."""
        embedded = self.table(tokens)
        text = self._encoder.encode_embedded(embedded, self._tokens.expand(len(tokens), -1))
        return (text * self._image).sum(dim=1)
