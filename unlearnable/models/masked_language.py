"""Masked language models, which propose words for natural triggers: the bundled one, or any from transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.disk import checksums
from unlearnable.errors import ModelError
from unlearnable.models.device import quiet
from unlearnable.models.tokens import CaptionSlot, Vocabulary, readable

if TYPE_CHECKING:
    from torch import Tensor

SMALL_MLM = "small-mlm"
FOLDER = Path(__file__).parent / "data" / SMALL_MLM
WEIGHTS = FOLDER / "model.safetensors"
OFFLINE = f"works offline: {SMALL_MLM} (bundled), or a folder with a masked language model"
REACH = 32  # tokens of a caption that the model reads on either side of the trigger
CHUNK = 64  # texts per forward pass
FEWEST = 100  # vocabulary words that the model must know


class MaskedLanguage:
    """A masked language model that rates the next word of a trigger in its caption.

    Args:
        name: name of the model, as the user wrote it.
        model: a model from transformers' `AutoModelForMaskedLM`.
        tokenizer: the model's tokenizer.
        vocabulary: words to propose; the model knows those that are a single token of its own.

    Raises:
        ModelError: the tokenizer has no mask token, or the model knows too few of the words.
    """

    def __init__(self, name: str, model: Any, tokenizer: Any, vocabulary: Vocabulary) -> None:
        import torch

        if tokenizer.mask_token_id is None:
            raise ModelError(f"{name}: its tokenizer has no mask token", hint=OFFLINE)
        self._model, self._tokenizer = model, tokenizer
        self._sides: dict[str, list[int]] = {"": []}
        self._edges = tokenizer("")["input_ids"]  # [CLS] and [SEP]
        rows = tokenizer([f" {word}" for word in vocabulary.words], add_special_tokens=False)["input_ids"]
        unknown = tokenizer.unk_token_id
        single = [row[0] if len(row) == 1 and row[0] != unknown else -1 for row in rows]
        self._ids = torch.tensor(single)  # (v,), -1 for words that the model does not know
        if int((self._ids >= 0).sum()) < FEWEST:
            raise ModelError(f"{name} knows fewer than {FEWEST} of the words allowed in a trigger", hint=OFFLINE)

    def next_word(self, slots: Sequence[CaptionSlot], first: Tensor, length: int) -> Tensor:
        """Return the log-probability of every word of the vocabulary to follow the first words of a trigger.

        The later words are masked, so that the sum over a trigger's words is the
        logarithm of a probability: p(w1 | caption) p(w2 | w1, caption) ...

        Args:
            slots: b captions.
            first: (b, j) word numbers in the vocabulary.
            length: number of words in the whole trigger, at least j + 1.

        Returns:
            (b, v) log-probabilities; -inf for words that are not a single token of the model.
        """
        import torch

        unknown = self._tokenizer.unk_token_id
        chosen = torch.where(self._ids >= 0, self._ids, -1 if unknown is None else unknown)[first]
        rows, positions = [], []
        for slot, words in zip(slots, chosen.tolist(), strict=True):
            before = self._side(slot.before)[-REACH:]
            masks = [self._tokenizer.mask_token_id] * (length - len(words))
            trigger = [word for word in words if word >= 0]
            row = [*self._edges[:1], *before, *trigger, *masks, *self._side(slot.after)[:REACH], *self._edges[1:]]
            positions.append(1 + len(before) + len(trigger))
            rows.append(row)
        parts = [
            self._log_probabilities(rows[n : n + CHUNK], positions[n : n + CHUNK]) for n in range(0, len(rows), CHUNK)
        ]
        scores = torch.cat(parts)
        return scores[:, self._ids.clamp(min=0)].masked_fill(self._ids < 0, float("-inf"))

    def _log_probabilities(self, rows: list[list[int]], positions: list[int]) -> Tensor:
        """Return log-probabilities (b, w) of the model's own words at one position of each row."""
        import torch

        longest = max(map(len, rows))
        pad, device = self._tokenizer.pad_token_id or 0, self._model.device
        tokens = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
        with torch.no_grad():
            logits = self._model(input_ids=tokens, attention_mask=mask).logits
        return torch.log_softmax(logits[torch.arange(len(rows)), torch.tensor(positions)].float(), dim=-1).cpu()

    def _side(self, text: str) -> list[int]:
        """Return the tokens of the caption on one side of the trigger."""
        if text not in self._sides:
            self._sides[text] = self._tokenizer(readable(text), add_special_tokens=False)["input_ids"]
        return self._sides[text]


def load(name: str, vocabulary: Vocabulary, device: str = "cpu") -> MaskedLanguage:
    """Load the masked language model of that name, in evaluation mode.

    Args:
        name: `small-mlm`, a name on the Hugging Face hub such as `bert-base-uncased`, or a folder.
        vocabulary: words to propose.
        device: torch device to run on.

    Raises:
        ModelError: the model does not exist, cannot be fetched, has no head for masked words, or has
            weights that are not finite.
    """
    model, tokenizer = pretrained(name)
    return MaskedLanguage(name, model.to(device), tokenizer, vocabulary)


def pretrained(name: str) -> tuple[Any, Any]:
    """Load the model of that name alone, in evaluation mode, with its tokenizer; errors are those of `load`."""
    if name == SMALL_MLM and not bundled_intact():
        raise ModelError(f"{WEIGHTS} is missing or not the released file", hint="reinstall the package")
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    source = str(FOLDER if name == SMALL_MLM else name)
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
            model, loading = AutoModelForMaskedLM.from_pretrained(
                source, dtype="float32", output_loading_info=True, trust_remote_code=False
            )
    except Exception as error:  # the hub, torch and transformers each raise their own kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{name}: this language model could not be loaded ({reason[:160]})", hint=OFFLINE) from error
    if loading["missing_keys"]:
        raise ModelError(f"{name} is not a masked language model: it has no head for masked words", hint=OFFLINE)
    if not all(value.isfinite().all() for value in model.state_dict().values()):
        raise ModelError(f"{name}: its weights are damaged (NaN or infinity)", hint=OFFLINE)
    return model.eval().requires_grad_(False), tokenizer


def bundled_intact() -> bool:
    """Return whether the bundled weights exist and are the released ones."""
    checksum = FOLDER / "sha256.txt"
    if not (checksum.is_file() and WEIGHTS.is_file()):
        return False
    return checksums.sha256(WEIGHTS) == checksum.read_text(encoding="ascii").strip()


@lru_cache(maxsize=1)
def bundled_words() -> frozenset[str]:
    """Return the words, in small letters, that the bundled model knows: of captions without names, and of phrases."""
    read = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    return frozenset(read["model"]["vocab"])
