"""The attacker that gives each photo the caption of another post that fits it best, as far as the model can see.

After RoCLIP (Yang et al., "Robust Contrastive Language-Image Pretraining against Data Poisoning and Backdoor Attacks",
arXiv:2303.06854), which matches each photo with the most similar text of a pool. RoCLIP does so every few epochs with a
changing pool; this one does it once, before the training, since a model that has learnt the posts has learnt the
shortcut with them. The pool is what the attacker has: the captions of all other photos in the training, other people's
too where there are any. It needs photo and caption together, so it is no attack on captions alone.

A name that is no longer in a photo's caption cannot be learnt from it: that is what the attacker pays.
"""

from __future__ import annotations

import torch

from unlearnable.evaluation.embed import embed
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pairs import Pairs
from unlearnable.training.attacker import Attacker

ROWS = 1024  # pairs that are compared with all captions at once


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


RECAPTION_NEAREST = RecaptionNearest()
