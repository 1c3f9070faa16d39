"""The bundled masked language model: how little it expects each word of a caption, and the words that it knows.

A word's surprise is its part of the pseudo-likelihood of Salazar et al., "Masked Language Model Scoring", ACL 2020
(arXiv:1910.14659).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from unlearnable.errors import ModelError
from unlearnable.models.device import quiet
from unlearnable.storage import checksums

SMALL_MLM = "small-mlm"
FOLDER = Path(__file__).parent / "data" / SMALL_MLM
WEIGHTS = FOLDER / "model.safetensors"
LONGEST = 96  # tokens that the model can read


@lru_cache(maxsize=1)
def pretrained() -> tuple[Any, Any]:
    """Load the model, in evaluation mode, and its tokenizer.

    Raises:
        ModelError: its file is missing or damaged.
    """
    if not bundled_intact():
        raise ModelError(f"{WEIGHTS} is missing or not the released file", hint="reinstall the package")
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(str(FOLDER), trust_remote_code=False)
        model = AutoModelForMaskedLM.from_pretrained(str(FOLDER), dtype="float32", trust_remote_code=False)
    return model.eval().requires_grad_(False), tokenizer


def surprises(words: Sequence[str]) -> list[float]:
    """Return the negative log-probability of the least likely token of each word given all others, in nats.

    A word has 0 where the tokenizer sees nothing, or after `LONGEST` tokens.
    """
    import torch

    model, tokenizer = pretrained()
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
    with torch.no_grad():
        logits = model(input_ids=masked).logits[rows, places].float()
    nats = -torch.log_softmax(logits, dim=-1)[rows, tokens[places]]
    for place, value in zip(places.tolist(), nats.tolist(), strict=True):
        found[owners[place]] = max(found[owners[place]], value)
    return found


def bundled_intact() -> bool:
    """Return whether the weights exist and are the released ones."""
    checksum = FOLDER / "sha256.txt"
    if not (checksum.is_file() and WEIGHTS.is_file()):
        return False
    return checksums.sha256(WEIGHTS) == checksum.read_text(encoding="ascii").strip()


@lru_cache(maxsize=1)
def bundled_words() -> frozenset[str]:
    """Return the words, in small letters, that the model knows: of captions without names, and of phrases."""
    read = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    return frozenset(read["model"]["vocab"])
