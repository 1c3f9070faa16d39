"""Captions with their triggers: cut once at the trigger's position, for the optimisation and for writing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unlearnable.models.tokens import CaptionSlot, Trigger, Vocabulary, cut
from unlearnable.settings import MethodSettings

LAST_WORD = 10**6
Slots = tuple[tuple[CaptionSlot, ...], ...]


@dataclass(frozen=True)
class Captions:
    """The captions of photos with their triggers.

    Attributes:
        slots: captions of each photo, cut where its trigger was optimised.
        triggers: concepts of each photo's trigger; empty for methods without a trigger.
        vocabulary: the concepts.
    """

    slots: Slots
    triggers: Sequence[Sequence[int]]
    vocabulary: Vocabulary

    def trigger(self, photo: int) -> Trigger:
        """Return a photo's trigger in the language of its first caption."""
        return self.vocabulary.trigger(self.triggers[photo], self.slots[photo][0].language)

    def shown(self, count: int) -> list[str]:
        """Return the triggers of the first photos."""
        return [self.trigger(photo).text for photo in range(min(count, len(self.triggers)))]

    def of(self, photo: int, clean: Sequence[str]) -> list[str]:
        """Return a photo's captions with their trigger; the clean ones for methods without a trigger."""
        if not self.triggers:
            return list(clean)
        return [slot.text(self.vocabulary.trigger(self.triggers[photo], slot.language)) for slot in self.slots[photo]]


def cut_captions(
    captions: Iterable[Iterable[str]],
    settings: MethodSettings,
    length: int,
    seed: int,
    languages: Sequence[Sequence[str]] | None = None,
) -> Slots:
    """Cut every caption at the position of its trigger; later photos do not affect the captions of earlier ones.

    Args:
        captions: captions of each photo.
        settings: position of the trigger.
        length: most tokens of a trigger; 0 for methods without a trigger.
        seed: seed of random positions, which are drawn in the order of the captions.
        languages: language of each caption; None for English ones.
    """
    dice = random.Random(seed)

    def position(caption: str) -> int:
        if settings.trigger_position == "random":
            return dice.randint(0, len(caption.split()))
        return 0 if settings.trigger_position == "start" else LAST_WORD

    texts = [list(of_photo) for of_photo in captions]
    spoken = languages or [[""] * len(post) for post in texts]
    return tuple(
        tuple(cut(text, position(text), length, language) for text, language in zip(post, own, strict=True))
        for post, own in zip(texts, spoken, strict=True)
    )
