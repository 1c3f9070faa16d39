"""Captions with their triggers: cut once at the trigger's position, for the optimisation and for writing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from unlearnable.config import TriggerSettings
from unlearnable.models.sentence import as_sentence, end_of_sentence
from unlearnable.models.tokens import CaptionSlot, Trigger, cut, default_vocabulary, natural_vocabulary

LAST_WORD = 10**6
Slots = tuple[tuple[CaptionSlot, ...], ...]


@dataclass(frozen=True)
class Captions:
    """The captions of photos with their triggers.

    Attributes:
        slots: captions of each photo, cut where its trigger was optimised.
        triggers: trigger of each photo; empty for methods without a trigger.
        write: function that writes a trigger into its caption, see `writing`.
    """

    slots: Slots
    triggers: tuple[Trigger, ...]
    write: Callable[[CaptionSlot, Trigger], str]

    @classmethod
    def from_tokens(cls, slots: Slots, tokens: Sequence[Sequence[int]], settings: TriggerSettings) -> Captions:
        """Return the captions with the triggers of these token ids, one row per photo."""
        natural = settings.trigger_vocabulary == "natural"
        vocabulary = natural_vocabulary() if natural else default_vocabulary()
        return cls(slots, tuple(map(vocabulary.trigger, tokens)), writing(settings))

    def of(self, photo: int, clean: Sequence[str]) -> list[str]:
        """Return a photo's captions with their trigger; the clean ones for methods without a trigger."""
        if not self.triggers:
            return list(clean)
        return [self.write(slot, self.triggers[photo]) for slot in self.slots[photo]]


def writing(settings: TriggerSettings) -> Callable[[CaptionSlot, Trigger], str]:
    """Return what writes a trigger into its caption: natural ones as part of a sentence, others as they are."""
    return as_sentence if settings.trigger_vocabulary == "natural" else CaptionSlot.text


def cut_captions(captions: Iterable[Iterable[str]], settings: TriggerSettings, length: int, seed: int) -> Slots:
    """Cut every caption at the position of its trigger; later photos do not affect the captions of earlier ones.

    Args:
        captions: captions of each photo.
        settings: vocabulary and position of the trigger.
        length: words per trigger; 0 for methods without a trigger.
        seed: seed of random positions, which are drawn in the order of the captions.
    """
    dice = random.Random(seed)

    def position(caption: str) -> int:
        if settings.trigger_position == "random":
            return dice.randint(0, len(caption.split()))
        if settings.trigger_position == "start":
            return 0
        return end_of_sentence(caption) if settings.trigger_vocabulary == "natural" else LAST_WORD

    return tuple(tuple(cut(caption, position(caption), length) for caption in of_photo) for of_photo in captions)
