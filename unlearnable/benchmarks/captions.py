"""The captions of a protection: cut once where the triggers go, optimised there and written there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearnable.benchmarks.plan import How
from unlearnable.benchmarks.suite import Item
from unlearnable.methods import METHODS
from unlearnable.models.sentence import as_sentence
from unlearnable.models.tokens import Slot, Trigger, default_vocabulary, natural_vocabulary
from unlearnable.workflows.prepare import cut_captions

SEED = 0  # of the optimisation, and of random positions as in `protect`
Slots = tuple[tuple[Slot, ...], ...]


@dataclass(frozen=True)
class Captions:
    """The captions of photos with their triggers.

    Attributes:
        slots: of each photo's captions, those that its trigger was optimised in.
        triggers: one a photo; empty for methods without.
        natural: whether they are written as part of a sentence.
    """

    slots: Slots
    triggers: tuple[Trigger, ...]
    natural: bool

    def of(self, photo: int, clean: Sequence[str]) -> list[str]:
        """A photo's captions with their trigger; the clean ones where there is none."""
        if not self.triggers:
            return list(clean)
        write = as_sentence if self.natural else Slot.text
        return [write(slot, self.triggers[photo]) for slot in self.slots[photo]]


def cut_for(how: How, items: Sequence[Item]) -> Slots:
    """The captions of photos, cut where the method puts its triggers."""
    method = METHODS[how.name]()
    length = how.settings.trigger_length if method.has_trigger else 0
    return tuple(map(tuple, cut_captions([item.captions for item in items], how.settings, length, SEED)))


def with_triggers(how: How, slots: Slots, tokens: Sequence[Sequence[int]]) -> Captions:
    """The captions with the triggers of these tokens, one a photo."""
    natural = how.settings.trigger_vocabulary == "natural"
    vocabulary = natural_vocabulary() if natural else default_vocabulary()
    return Captions(slots, tuple(map(vocabulary.trigger, tokens)), natural)
