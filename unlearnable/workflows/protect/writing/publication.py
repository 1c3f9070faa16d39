"""What a run will publish: photos, and their captions with the triggers in, as they are and in their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from unlearnable.datasets import Dataset, Edits, Pair, Skipped, write_captions
from unlearnable.disk import files, modes
from unlearnable.methods.state import State
from unlearnable.models.tokens import CaptionSlot, Trigger
from unlearnable.protection.captions import writing
from unlearnable.wording.escapes import json_row
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.protect.preparing.caption_names import with_names
from unlearnable.workflows.protect.preparing.reading import Caption, Prepared
from unlearnable.workflows.protect.preparing.setup import Run


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


def composed(run: Run, state: State) -> Publication:
    """Return what a run will write: names, triggers, and captions that hold them."""
    vocabulary = run.problem.vocabulary
    triggers = [vocabulary.trigger(row) if row else None for row in state.triggers.tolist()]
    return compose(run.prepared, with_names(run), triggers, writing(run.settings))


def write_caption_files(
    publication: Publication, dataset: Dataset, layout: Layout, keep_fields: Sequence[str]
) -> Path | None:
    """Write the captions back in their own format, and metadata.jsonl for Hugging Face's imagefolder.

    Returns:
        The caption file in the staging folder; None if the format has no single file.
    """
    edits = Edits(
        captions={(pair.record, pair.index): text for pair, text in publication.in_file},
        paths=publication.names,
        keep_fields=frozenset(name.casefold() for name in keep_fields),
    )
    target = layout.staged if dataset.source is None else layout.staged / dataset.source.name
    write_captions(dataset, edits, target)
    _copy_modes(dataset, layout)
    if dataset.captions_file != METADATA:
        rows = (
            {"file_name": publication.names[photo], "text": text}
            for photo, texts in publication.captions.items()
            for _, text in texts
        )
        files.write_text(layout.staged / METADATA, "".join(map(json_row, rows)))
        if dataset.source and dataset.source.is_file():
            modes.copy_mode(dataset.source, layout.staged / METADATA)
    return target if dataset.source else None


def _copy_modes(dataset: Dataset, layout: Layout) -> None:
    """Let those read the written caption files who may read the user's own."""
    for path in layout.staged.rglob("*"):
        own = dataset.root / path.relative_to(layout.staged)
        if dataset.source and path == layout.staged / dataset.source.name:
            own = dataset.source
        if path.is_file() and own.is_file():
            modes.copy_mode(own, path)
