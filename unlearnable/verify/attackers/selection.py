"""Attackers who select what is learnt: pairs that fit, or some of the weights."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.data import Pairs
from unlearnable.training.loop import Attacker
from unlearnable.training.retrieval import embed


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


DROP_DISSIMILAR, FROZEN, PROBE = DropDissimilar(), Freezing(shallow_half), Freezing(all_but_projections)
