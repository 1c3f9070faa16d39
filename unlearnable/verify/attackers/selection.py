"""Attackers who select what is learnt: other pairs, photos without a pattern, or some weights alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearnable.errors import InputError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.training.data import Pairs, Photos
from unlearnable.training.loop import Attacker
from unlearnable.training.retrieval import embed

ROWS = 1024  # pairs that are compared with all captions at once
SIDE = 64  # pixels of the reduced photos, which are squares
FEWEST = 4  # photos of a class
CLASSES = 100  # the largest ones; each takes out one direction at most
ITERATIONS, DECAY = 50, 1e-2  # of the regression, by L-BFGS
SMALLEST = 1e-3  # singular values of the weights below that share of the largest one are rounding errors


class RecaptionNearest(Attacker):
    """Replaces the caption of each pair by the one of the highest cosine among those of other photos."""

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs with their new captions."""
        images, texts, owners = embed(model, pairs)
        nearest = []
        for photos in owners.split(ROWS):
            cosines = images[photos] @ texts.T
            cosines[photos[:, None] == owners] = -torch.inf  # the photo's own captions
            nearest.append(cosines.argmax(dim=1))
        return Pairs(pairs.pixels, pairs.photos, pairs.tokens[torch.cat(nearest)])


@dataclass(frozen=True)
class DropDissimilar(Attacker):
    """Leaves out the pairs of the lowest cosine under the model before its training."""

    share: float = 0.2  # of the pairs, rounded down to whole ones

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs that are left, in their order."""
        images, texts, owners = embed(model, pairs)
        cosines = (images[owners] * texts).sum(dim=1)
        kept = cosines.argsort(stable=True)[int(self.share * len(pairs)) :].sort().values
        return Pairs(pairs.pixels, pairs.photos[kept], pairs.tokens[kept])


@dataclass(frozen=True)
class Projected:
    """Photos without their part in some directions."""

    photos: Photos
    mean: Tensor  # (d,) the mean reduced photo, in 1/255
    directions: Tensor  # (d, k) orthonormal columns

    def __getitem__(self, photo: int, /) -> Tensor:
        """Return the pixels (3, h, w) of a photo, whole numbers 0-255."""
        pixels = self.photos[photo]
        found = self.directions @ (self.directions.T @ (reduced(pixels) - self.mean))
        found = F.interpolate(found.view(1, 3, SIDE, SIDE), pixels.shape[-2:], mode="bilinear")[0]
        return (pixels - found).round().clamp(0, 255)


class OrthogonalProjection(Attacker):
    """Trains on photos that are projected orthogonally to the weights of a linear classifier."""

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs with the projected photos.

        Raises:
            InputError: the captions have no words in common that would make two classes.
        """
        classes = classes_of(pairs)
        largest = [name for name, _ in Counter(classes.values()).most_common(CLASSES)]
        if len(largest) < 2:
            message = f"orthogonal-projection finds no two classes: {FEWEST} photos have to share a word, and not all"
            raise InputError(message, hint="use another attacker, or more posts of each person")
        chosen = [photo for photo, name in classes.items() if name in largest]
        small = torch.stack([reduced(pairs.pixels[photo]) for photo in chosen])
        targets = torch.tensor([largest.index(classes[photo]) for photo in chosen])
        mean = small.mean(dim=0)
        weights = regression((small - mean) / 255, targets)
        return Pairs(Projected(pairs.pixels, mean, span(weights)), pairs.photos, pairs.tokens)


def classes_of(pairs: Pairs) -> dict[int, int]:
    """Return the class of each photo: the id of the rarest token that `FEWEST` photos share; 0 where there is none."""
    outside = {0, tokenizer().sot_token_id, tokenizer().eot_token_id}
    tokens: dict[int, set[int]] = {}
    for photo, row in zip(pairs.photos.tolist(), pairs.tokens.tolist(), strict=True):
        tokens.setdefault(photo, set()).update(set(row) - outside)
    shared = Counter(token for own in tokens.values() for token in own)
    return {
        photo: min((token for token in own if shared[token] >= FEWEST), key=lambda one: (shared[one], one), default=0)
        for photo, own in tokens.items()
    }


def reduced(pixels: Tensor) -> Tensor:
    """Return the whole photo (3, h, w) as a square of `SIDE` pixels, flat (3 * `SIDE`^2,)."""
    return F.interpolate(pixels[None], (SIDE, SIDE), mode="bilinear", antialias=True).flatten()


def span(weights: Tensor) -> Tensor:
    """Return orthonormal columns (d, k) that span weights (c, d); those of a regression sum to zero, so k < c."""
    columns, lengths, _ = torch.linalg.svd(weights.T, full_matrices=False)
    spanning: Tensor = columns[:, lengths > SMALLEST * lengths[0]]
    return spanning


@torch.enable_grad()
def regression(inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the weights (c, d) of a multinomial logistic regression on (n, d) centred inputs, from zero."""
    weights = torch.zeros(int(targets.max()) + 1, inputs.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(inputs @ weights.T, targets) + DECAY * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


RECAPTION_NEAREST, DROP_DISSIMILAR, ORTHOGONAL_PROJECTION = RecaptionNearest(), DropDissimilar(), OrthogonalProjection()


@dataclass(frozen=True)
class Freezing(Attacker):
    """Keeps some weights, and the statistics of the layers that they belong to."""

    kept: Callable[[DualEncoder], Iterable[nn.Parameter]]

    def prepare(self, model: DualEncoder) -> None:
        """Keep the weights from learning."""
        for weights in self.kept(model):
            weights.requires_grad_(False)

    def training_mode(self, model: DualEncoder) -> None:
        """Switch to training what has weights that learn, and the rest to evaluation."""
        super().training_mode(model)
        for module in model.module.modules():
            learning = [weights.requires_grad for weights in module.parameters()]
            if learning and not any(learning):
                module.eval()


def shallow_half(model: DualEncoder) -> list[nn.Parameter]:
    """Return the weights of the first half of the photo encoder's layers, its projection left out."""
    visual: Any = model.module.visual
    layers, projections = _layers(visual), {id(weights) for weights in _photo_projection(visual)}
    shallow = [weights for layer in layers[: len(layers) // 2] for weights in layer.parameters(recurse=False)]
    return [weights for weights in shallow if id(weights) not in projections]


def all_but_projections(model: DualEncoder) -> list[nn.Parameter]:
    """Return all weights but the projections of both encoders and the logit scale."""
    module: Any = model.module
    text = getattr(module, "text", module)
    learning = [*_photo_projection(module.visual), *_weights(text.text_projection), module.logit_scale]
    names = {id(weights) for weights in learning}
    return [weights for weights in module.parameters() if id(weights) not in names]


def _photo_projection(visual: Any) -> list[nn.Parameter]:
    """Return the weights of `proj`, which CLIP's vision transformers have, or of the encoder's last layer."""
    projection = getattr(visual, "proj", None)
    return _weights(_layers(visual)[-1] if projection is None else projection)


def _weights(part: nn.Module | nn.Parameter | None) -> list[nn.Parameter]:
    if part is None:
        return []
    return list(part.parameters()) if isinstance(part, nn.Module) else [part]


def _layers(visual: nn.Module) -> list[nn.Module]:
    """Return the modules that have weights of their own, in the order in which encoders define and use them."""
    return [module for module in visual.modules() if any(True for _ in module.parameters(recurse=False))]


FROZEN, PROBE = Freezing(shallow_half), Freezing(all_but_projections)
