"""How little a masked language model expects each word of a text: it is masked, and read from all the others.

One word's part of the pseudo-likelihood of Salazar et al., "Masked Language Model Scoring", ACL 2020
(arXiv:1910.14659).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

LONGEST = 96  # tokens that the bundled model can read


@torch.no_grad()
def surprises(model: Any, tokenizer: Any, words: Sequence[str]) -> list[float]:
    """Return the negative log-probability of the least likely token of each word given all others, in nats.

    A word has 0 where the tokenizer sees nothing, or `LONGEST` tokens are over.

    Args:
        model: a model from transformers' `AutoModelForMaskedLM`.
        tokenizer: the model's tokenizer, a fast one with a mask token.
        words: words of one text.
    """
    read = tokenizer(list(words), is_split_into_words=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    (tokens,) = read["input_ids"]
    owners = read.word_ids()
    places = torch.tensor([n for n, owner in enumerate(owners) if owner is not None], dtype=torch.long)
    found = [0.0] * len(words)
    if not len(places):
        return found
    rows = torch.arange(len(places))
    masked = tokens.repeat(len(places), 1)
    masked[rows, places] = tokenizer.mask_token_id
    logits = model(input_ids=masked).logits[rows, places].float()
    nats = -torch.log_softmax(logits, dim=-1)[rows, tokens[places]]
    for place, value in zip(places.tolist(), nats.tolist(), strict=True):
        found[owners[place]] = max(found[owners[place]], value)
    return found
