"""What a run will publish: photos, and their captions with the triggers in, as they are and in their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from unlearnable.errors import InputError, OutputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.methods.base import State
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.models.tokens import Trigger, Vocabulary
from unlearnable.posts import NO_RECORD, Dataset, Edits, Pair, Skipped, write_captions
from unlearnable.protect.caption_names import with_names
from unlearnable.protect.layout import METADATA, Layout
from unlearnable.protect.photo import WriteJob, pool_for, unprotected, write_one
from unlearnable.protect.read import Caption, Prepared
from unlearnable.protect.setup import Run
from unlearnable.report import ManifestLine
from unlearnable.report.pictures import ShownPhotos, Thumbnails
from unlearnable.report.protect import CHANGED
from unlearnable.storage import checksums, files
from unlearnable.storage.pool import WorkerEnded
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels
from unlearnable.wording import counted, json_row

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


def write_caption_files(publication: Publication, dataset: Dataset, layout: Layout, keep_fields: Sequence[str]) -> None:
    """Write the captions back in their own format, and metadata.jsonl for Hugging Face's imagefolder."""
    edits = Edits(
        captions={(pair.record, pair.index): text for pair, text in publication.in_file},
        paths=publication.names,
        keep_fields=frozenset(name.casefold() for name in keep_fields),
    )
    target = layout.staged if dataset.source is None else layout.staged / dataset.source.name
    write_captions(dataset, edits, target)
    is_own = dataset.captions_file == METADATA  # it lacks the photos without a caption
    before = (layout.staged / METADATA).read_text(encoding="utf-8") if is_own else ""
    rows = (
        {"file_name": publication.names[photo], "text": text}
        for photo, texts in publication.captions.items()
        for pair, text in texts
        if not is_own or pair.record == NO_RECORD
    )
    if not before.startswith("["):
        files.write_text(layout.staged / METADATA, before + "".join(map(json_row, rows)))


FEW = 2e6  # pixels in all photos that are written, and compared with what they were, before workers have started


@dataclasses.dataclass(frozen=True)
class WrittenPhotos:
    """What was written of the photos.

    Attributes:
        publication: what a run will write, without photos that had changed.
        lines: the whole manifest: protected photos in order, then those left out.
        thumbnails: those of the photos in which most is seen, by the path of the copy.
        copies: working copies of the files as they are read back.
        unencoded: working copies of what was encoded; `copies` itself where all files are lossless.
    """

    publication: Publication
    lines: list[ManifestLine]
    thumbnails: dict[str, Thumbnails]
    copies: Pixels
    unencoded: Pixels


def write_photos(publication: Publication, state: State, run: Run, progress: Progress) -> WrittenPhotos:
    """Write every missing photo, in workers if that takes long, and the manifest line of each photo.

    Raises:
        InputError: all photos have changed.
    """
    shown, layout, prepared = ShownPhotos(), run.layout, publication.prepared
    done = {line.source: line for line in finished_lines(layout, progress)}
    copies = unencoded = Pixels.create(run.scratch / "written.u8")
    if not prepared.is_lossless:
        unencoded = Pixels.create(run.scratch / "unencoded.u8")
    lines, changed = [], []
    progress.phase("writing photos", len(prepared.ready))
    files.write_text(layout.staged_manifest, "".join(map(_sealed_line, done.values())))
    with (
        files.reporting_write_errors(layout.staged_manifest),
        layout.staged_manifest.open("a", encoding="utf-8", newline="") as manifest,
        _without_halves(publication, layout),
        pool_for(write_one, [one.pixels for one in prepared.ready], FEW) as pool,
    ):
        answers = pool.answers(_jobs(publication, state, run, done))
        for photo, name in prepared.names.items():
            try:
                written = next(answers).result()
            except DecodeError as error:
                changed.append(Skipped(photo, error.reason, error.detail))
                (layout.staged / name).unlink(missing_ok=True)
                progress.advance()
                continue
            except WorkerEnded as error:
                raise OutputError(
                    f"the process that wrote {layout.staged / name} was ended",
                    hint="memory may have run out; go on with `resume=True`",
                ) from error
            line, flip = written.line, written.line.flip or 0.0
            if line is not done.get(photo):
                manifest.write(_sealed_line(line))
                manifest.flush()
            if written.thumbnails and shown.wants(flip):
                shown.add(name, flip, written.thumbnails)
            copies.append(written.copy)
            if unencoded is not copies:
                unencoded.append(written.unencoded)
            lines.append(line)
            progress.advance(linf=line.noise_linf or 0, psnr=line.psnr or 0.0)
    if not lines:
        hint = "start again" if changed[0].reason == CHANGED else "use `format='png'`, or leave it out with `skip`"
        raise InputError(changed[0].line, hint=hint)
    publication = publication.without(changed)
    return WrittenPhotos(publication, [*lines, *_left_out(publication.prepared)], shown.thumbnails, copies, unencoded)


def _jobs(publication: Publication, state: State, run: Run, done: Mapping[str, ManifestLine]) -> Iterator[WriteJob]:
    prepared = publication.prepared
    for number, (one, triggers) in enumerate(zip(prepared.ready, publication.triggers, strict=True)):
        photo, line = one.photo, done.get(one.photo.id)
        yield WriteJob(
            photo=photo,
            settings=run.settings,
            folder=run.layout.staged,
            name=one.name,
            checksum=one.checksum,
            post=prepared.posts[photo.id],
            noise=state.noise.grid(number),
            trigger=triggers[0].text if triggers else "",
            captions=[text for _, text in publication.captions[photo.id]],
            pixels=one.pixels,
            side=max(model.image_size for model in run.problem.surrogates),
            line=line if line and line.output == one.name else None,
        )


@contextmanager
def _without_halves(publication: Publication, layout: Layout) -> Iterator[None]:
    """Remove what workers that were stopped had only half written."""
    try:
        yield
    finally:
        for name in publication.names.values():
            files.temporary_name(layout.staged / name).unlink(missing_ok=True)


def _left_out(prepared: Prepared) -> Iterator[ManifestLine]:
    for skipped in prepared.skipped:
        post, why, detail = prepared.posts.get(skipped.where), skipped.reason, skipped.detail
        yield ManifestLine(source=skipped.where, post=post, status="skipped", reason=why, detail=detail)


def refuse_without_noise(prepared: Prepared, noise: NoiseStore) -> None:
    """Stop before anything is written if the noise of a photo is zero everywhere.

    Raises:
        ModelError: the noise of a photo is zero; the message names the photo.
    """
    for number, photo in enumerate(prepared.photos):
        if not noise.grid(number).any():
            raise unprotected(photo.id)


def finished_lines(layout: Layout, progress: Progress | None = None) -> Iterator[ManifestLine]:
    """Yield the manifest lines of the photos that a stopped run wrote completely; damaged ones are noted."""
    if not layout.staged_manifest.is_file():
        return
    sealed = layout.staged_manifest.read_bytes().decode("utf-8", "replace").split("\n")[:-1]  # the last one is cut off
    lines = [_unsealed(line) for line in sealed]
    if progress and (damaged := lines.count(None)):
        progress.note(
            f"{layout.staged_manifest} has {counted(damaged, 'damaged line')}: those photos are written again"
        )
    for line in filter(None, lines):
        path = layout.staged / line.output if line.output else None
        if path and path.is_file() and checksums.sha256(path) == line.sha256_out:
            yield line


def _sealed_line(line: ManifestLine) -> str:
    return checksums.seal_json(line.model_dump(mode="json"))


def _unsealed(line: str) -> ManifestLine | None:
    """Return the manifest line in a line of the staged manifest; None if it is damaged, or of another version."""
    try:
        return ManifestLine.model_validate(checksums.unseal_json(line))
    except ValueError:  # also pydantic's
        return None
