"""Natural triggers: the words a language model offers in the place of the trigger, and what a trigger costs there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unlearnable.config import MEMSettings, TriggerSettings
from unlearnable.methods.problem import Proposer
from unlearnable.models.tokens import CaptionSlot
from unlearnable.optim.fluent import Offer

# words are numbers in the vocabulary here, not token ids


def likely(proposer: Proposer, slots: Sequence[CaptionSlot], first: Tensor, allowed: Tensor, length: int) -> Tensor:
    """(b, v) log-probabilities of the word after the first ones, -inf for those not allowed.

    One post asks for one caption; a single trigger for all of them (`first` of one row) asks for the
    mean over all captions.

    Args:
        proposer: the language model.
        slots: n captions.
        first: (b, j) the words chosen so far, b either n or 1.
        allowed: (b, v) bool.
        length: words of the whole trigger (k).
    """
    found = proposer.next_word(slots, first.expand(len(slots), -1), length)
    if len(first) == 1:
        found = found.mean(dim=0, keepdim=True)
    return found.masked_fill(~allowed, float("-inf"))


def offers(
    proposer: Proposer, slots: Sequence[CaptionSlot], fall: Tensor, allowed: Tensor, settings: MEMSettings
) -> Offer:
    """What `fluent_search` is to try: of the model's top words those by which the objective would fall most.

    The first-order look of HotFlip is at the whole objective: `fall` for the loss, the
    log-probability, times lambda, for the fluency.

    Args:
        proposer: the language model.
        slots: n captions.
        fall: (b, k, v) first-order fall of the loss, b either n or 1.
        allowed: (b, v) bool.
        settings: `proposals` from the model, of which `fluent_candidates` are tried; `fluency` is lambda.
    """

    def offer(first: Tensor) -> tuple[Tensor, Tensor]:
        position = first.shape[2]
        words, costs = [], []
        for beam in first.unbind(dim=1):
            found = likely(proposer, slots, beam, allowed, fall.shape[1])
            top, known = found.topk(min(settings.proposals, found.shape[1]), dim=1)
            gain = fall[:, position].gather(1, known) + settings.fluency * top
            gain = gain.masked_fill(top.isneginf(), float("-inf"))
            _, chosen = gain.topk(min(settings.fluent_candidates, gain.shape[1]), dim=1)
            words.append(known.gather(1, chosen))
            costs.append(-top.gather(1, chosen))
        return torch.stack(words, dim=1), torch.stack(costs, dim=1)

    return offer


def cost(proposer: Proposer, slots: Sequence[CaptionSlot], words: Tensor) -> Tensor:
    """(b,) negative log-likelihood of triggers (b, k) in captions, each word given those before it, in nats.

    With one trigger (b = 1) for n captions it is the mean over them.
    """
    total = torch.zeros(len(words))
    anything = torch.ones(1, 1, dtype=torch.bool)
    for position in range(words.shape[1]):
        found = likely(proposer, slots, words[:, :position], anything, words.shape[1])
        total -= found.gather(1, words[:, position, None])[:, 0]
    return total


def draw(
    proposer: Proposer,
    slots: Sequence[CaptionSlot],
    allowed: Tensor,
    settings: TriggerSettings,
    generator: torch.Generator,
) -> Tensor:
    """(b, k) triggers drawn from the model's top words, front to last, no word twice; b = len(allowed)."""
    words = torch.zeros(len(allowed), 0, dtype=torch.long)
    for _ in range(settings.trigger_length):
        left = allowed.scatter(1, words, torch.zeros_like(words, dtype=torch.bool))
        found = likely(proposer, slots, words, left, settings.trigger_length)
        top, known = found.topk(min(settings.proposals, found.shape[1]), dim=1)
        chosen = torch.multinomial(top.softmax(dim=1), 1, generator=generator)
        words = torch.cat([words, known.gather(1, chosen)], dim=1)
    return words
