"""The attack that writes captions anew, with the language model that judges fluency."""

from __future__ import annotations

from functools import cache
from typing import Any

from unlearnable.errors import ConfigError
from unlearnable.models import judge
from unlearnable.verify.attacks.base import Attack, AttackFamily, on_captions

LONGEST = 40  # tokens of a new caption
PROMPT = """Each caption of a photo is written again in other words. Names stay as they are.

Caption: two brown dogs run across the wet sand
Again: A pair of brown dogs is running over wet sand.

Caption: Mara Lind at the market with a red bag
Again: Mara Lind stands at a market and holds a red bag.

Caption: last night's show with Ruben Okafor
Again: Ruben Okafor at the show last night.

Caption: {}
Again:"""


@cache
def paraphrase(text: str, _: int) -> str:
    """Return `text` in other words, as the model finds most likely word by word; `text` where it finds none."""
    import torch

    if not text.strip():
        return text
    model, tokenizer = _model()
    asked = tokenizer(PROMPT.format(" ".join(text.split())), return_tensors="pt")
    with torch.no_grad():
        written = model.generate(
            **asked,
            do_sample=False,
            max_new_tokens=LONGEST,
            stop_strings=["\n"],
            tokenizer=tokenizer,
            pad_token_id=tokenizer.eos_token_id,
        )
    new: str = tokenizer.decode(written[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return new.strip() or text


@cache
def _model() -> tuple[Any, Any]:
    return judge.load_model()


def _family(name: str, number: int) -> Attack:
    """Return the attack of that name.

    Raises:
        ConfigError: the model, or what reads it, is not installed.
    """
    if not judge.installed():
        message = f"{name}: the language model that writes captions anew is not installed"
        raise ConfigError(message, hint=judge.HINT)
    return on_captions(paraphrase)(name, number)


PARAPHRASE = AttackFamily(_family)
