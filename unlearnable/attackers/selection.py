"""The attacker that leaves out pairs whose photo and caption do not belong together, as far as the model can see.

After SafeCLIP (Yang et al., "Better Safe than Sorry", arXiv:2310.05862), which keeps such pairs from the contrastive
loss. A model of random weights chooses at random.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnable.evaluation.embed import embed
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pairs import Pairs
from unlearnable.training.attacker import Attacker


@dataclass(frozen=True)
class DropDissimilar(Attacker):
    """Leaves out the pairs of the lowest cosine under the model before its training.

    Attributes:
        share: share of the pairs to leave out, rounded down to whole pairs.
    """

    share: float = 0.2
    cost = 0.8

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs that are left, in their order."""
        images, texts, owners = embed(model, pairs)
        cosines = (images[owners] * texts).sum(dim=1)
        kept = cosines.argsort(stable=True)[int(self.share * len(pairs)) :].sort().values
        return Pairs(pairs.pixels, pairs.photos[kept], pairs.tokens[kept])


DROP_DISSIMILAR = DropDissimilar()
