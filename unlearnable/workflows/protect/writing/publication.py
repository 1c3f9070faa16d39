"""What a run will publish: photos, and their captions with the triggers in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from unlearnable.datasets import Pair, Skipped
from unlearnable.models.tokens import CaptionSlot, Trigger
from unlearnable.workflows.protect.preparing.reading import Caption, Prepared


@dataclasses.dataclass(frozen=True)
class Publication:
    """Everything that a run will write.

    Attributes:
        prepared: photos, their noise grids and the names of their copies.
        triggers: trigger of each photo; None for methods without a trigger.
        captions: photo id -> (pair, new text) of each caption.
    """

    prepared: Prepared
    triggers: list[Trigger | None]
    captions: dict[str, list[tuple[Pair, str]]]

    def without(self, left_out: Sequence[Skipped]) -> Publication:
        """Return what will be written without the photos that had to be left out since."""
        prepared = self.prepared.without(left_out)
        triggers = dict(zip((photo.id for photo in self.prepared.photos), self.triggers, strict=True))
        return Publication(
            prepared,
            [triggers[photo.id] for photo in prepared.photos],
            {photo.id: self.captions[photo.id] for photo in prepared.photos},
        )

    @property
    def in_file(self) -> list[tuple[Pair, str]]:
        """The pairs whose caption stands in a caption file, with its new text."""
        return [(pair, text) for rows in self.captions.values() for pair, text in rows if pair.record >= 0]

    @property
    def texts(self) -> dict[str, list[str]]:
        """Path in the output folder -> the new texts of its captions."""
        return {self.names[photo]: [text for _, text in rows] for photo, rows in self.captions.items()}

    @property
    def names(self) -> dict[str, str]:
        """Photo id -> path in the output folder."""
        return self.prepared.names


def compose(
    prepared: Prepared,
    captions: Mapping[str, list[Caption]],
    triggers: list[Trigger | None],
    write: Callable[[CaptionSlot, Trigger], str],
) -> Publication:
    """Compose the publication: every caption with its trigger as `write` inserts it.

    A caption that stands in one place for several photos is one text, with the trigger where the first of them has it.
    """
    texts: dict[str, list[tuple[Pair, str]]] = {}
    written: dict[tuple[int, int], str] = {}
    for photo, trigger in zip((photo.id for photo in prepared.photos), triggers, strict=True):
        texts[photo] = []
        for caption in captions[photo]:
            text = write(caption.slot, trigger) if trigger else caption.pair.caption
            if caption.pair.record >= 0:
                text = written.setdefault((caption.pair.record, caption.pair.index), text)
            texts[photo].append((caption.pair, text))
    return Publication(prepared, triggers, texts)
