"""What a run will publish: photos, and their captions with the triggers in, as they are and in their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from unlearnable.datasets import Dataset, Edits, Pair, Skipped, write_captions
from unlearnable.disk import files, modes
from unlearnable.methods.state import State
from unlearnable.models.tokens import Trigger
from unlearnable.models.vocabulary import Vocabulary
from unlearnable.wording.escapes import json_row
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.protect.preparing.caption_names import with_names
from unlearnable.workflows.protect.preparing.reading import Caption, Prepared
from unlearnable.workflows.protect.preparing.setup import Run

LISTED = 14  # photos whose words are said before they are written


@dataclasses.dataclass(frozen=True)
class Publication:
    """Everything that a run will write.

    Attributes:
        prepared: photos, their noise grids and the names of their copies.
        triggers: trigger of each photo in each of its captions; none for methods without a trigger.
        captions: photo id -> (pair, new text) of each caption.
    """

    prepared: Prepared
    triggers: list[list[Trigger]]
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
    numbers: Sequence[Sequence[int]],
    vocabulary: Vocabulary,
) -> Publication:
    """Compose the publication: every caption with its trigger, concepts of the vocabulary, in its own language.

    A caption that stands in one place for several photos is one text, with the trigger where the first of them has it.
    """
    texts: dict[str, list[tuple[Pair, str]]] = {}
    written: dict[tuple[int, int], str] = {}
    triggers: list[list[Trigger]] = []
    for photo, row in zip((photo.id for photo in prepared.photos), numbers, strict=True):
        texts[photo] = []
        triggers.append([vocabulary.trigger(row, one.slot.language) for one in captions[photo]] if row else [])
        for caption in captions[photo]:
            slot = caption.slot
            text = slot.text(vocabulary.trigger(row, slot.language)) if row else caption.pair.caption
            if caption.pair.record >= 0:
                text = written.setdefault((caption.pair.record, caption.pair.index), text)
            texts[photo].append((caption.pair, text))
    return Publication(prepared, triggers, texts)


def composed(run: Run, state: State) -> Publication:
    """Return what a run will write: names, triggers, and captions that hold them."""
    return compose(run.prepared, with_names(run), state.triggers.tolist(), run.problem.vocabulary)


def word_list(publication: Publication, layout: Layout) -> list[str]:
    """Return a line for each photo that says its words; of many photos for the first, and where the others are."""
    ids = [photo.id for photo in publication.prepared.photos]
    lines = [
        f"words  {photo}: {triggers[0].text}"
        for photo, triggers in zip(ids, publication.triggers, strict=True)
        if triggers
    ]
    if len(lines) <= LISTED + 1:
        return lines
    return [*lines[:LISTED], f"words  of {len(lines) - LISTED} more photos will be in {layout.page}"]


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
