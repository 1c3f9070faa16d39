"""Write noise and triggers to files: each photo is written, read back, measured and listed in the manifest."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from unlearnable import files, seal
from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset, Edits, Pair, Skipped, write_captions
from unlearnable.errors import InputError, ModelError
from unlearnable.evaluation.visibility import visibility
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.duplicates import perceptual_hash
from unlearnable.imaging.picture import Picture
from unlearnable.methods.state import State
from unlearnable.models.tokens import CaptionSlot, Trigger
from unlearnable.progress import Progress
from unlearnable.report.pictures import Thumbnails, thumbnails
from unlearnable.report.shown_photos import ShownPhotos
from unlearnable.results import ManifestLine
from unlearnable.stores.noise import NoiseStore
from unlearnable.workflows.layout import METADATA, Layout
from unlearnable.workflows.protect.prepare import Caption, Prepared, refuse_changed
from unlearnable.workflows.protect.target import target_of
from unlearnable.workflows.protect.written import write


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
    def names(self) -> dict[str, str]:
        """Photo id -> path in the output folder."""
        return self.prepared.names


def compose(
    prepared: Prepared,
    captions: dict[str, list[Caption]],
    triggers: list[Trigger | None],
    write: Callable[[CaptionSlot, Trigger], str] = CaptionSlot.text,
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


def write_photos(
    publication: Publication, state: State, settings: ProtectSettings, layout: Layout, progress: Progress
) -> tuple[Publication, list[ManifestLine], dict[str, Thumbnails]]:
    """Write every missing photo, and the manifest line of each photo.

    Returns:
        What was written, without photos that had changed; the whole manifest (protected photos in order, then those
        left out); and the thumbnails of those photos in which most is seen, by the path of the copy.

    Raises:
        InputError: all photos have changed; or, with `strict`, one has.
    """
    shown = ShownPhotos()
    done = {line.source: line for line in _finished(layout, progress)}
    lines, changed = [], []
    progress.phase("writing photos", len(publication.prepared.photos))
    files.write_text(layout.staged_manifest, "".join(map(_sealed_line, done.values())))
    with (
        files.reporting_write_errors(layout.staged_manifest),
        layout.staged_manifest.open("a", encoding="utf-8", newline="") as manifest,
    ):
        for number, photo in enumerate(publication.prepared.photos):
            line = done.get(photo.id)
            name = publication.names[photo.id]
            try:
                if line is None or line.output != name:
                    line, before, after = _write_photo(publication, state, settings, layout.staged, number)
                    manifest.write(_sealed_line(line))
                    manifest.flush()
                elif shown.wants(line.flip or 0.0):
                    before, after = target_of(photo.path, settings).picture, decode(layout.staged / name)
            except DecodeError as error:
                changed.append(Skipped(photo.id, error.reason, error.detail))
                (layout.staged / name).unlink(missing_ok=True)
                progress.advance()
                continue
            if shown.wants(line.flip or 0.0):
                shown.add(name, line.flip or 0.0, thumbnails(before, after))
            lines.append(line)
            progress.advance(linf=line.noise_linf or 0, psnr=line.psnr or 0.0)
    _refuse_all(changed, len(lines), settings)
    publication = publication.without(changed)
    for skipped in publication.prepared.skipped:
        post = publication.prepared.posts.get(skipped.where)
        why, detail = skipped.reason, skipped.detail
        lines.append(ManifestLine(source=skipped.where, post=post, status="skipped", reason=why, detail=detail))
    return publication, lines, shown.thumbnails


def _refuse_all(changed: Sequence[Skipped], written: int, settings: ProtectSettings) -> None:
    if changed and (settings.strict or not written):
        raise InputError(f"{changed[0].where}: {changed[0].reason} ({changed[0].detail})", hint="start again")


def manifest_text(lines: Iterable[ManifestLine]) -> str:
    """Return the text of a manifest."""
    return "".join(line.model_dump_json() + "\n" for line in lines)


def write_caption_files(
    publication: Publication, dataset: Dataset, layout: Layout, keep_fields: Sequence[str]
) -> Path | None:
    """Write the captions back in their own format, and metadata.jsonl for Hugging Face's imagefolder.

    Returns:
        The caption file in the staging folder; None if the format has no single file.
    """
    edits = Edits(
        captions={
            (pair.record, pair.index): text
            for rows in publication.captions.values()
            for pair, text in rows
            if pair.record >= 0
        },
        paths=publication.names,
        keep_fields=frozenset(name.casefold() for name in keep_fields),
    )
    target = layout.staged if dataset.source is None else layout.staged / dataset.source.name
    write_captions(dataset, edits, target)
    source_name = dataset.source.name if dataset.source else None
    _copy_modes(dataset, layout)
    if source_name != METADATA:
        rows = (
            {"file_name": publication.names[photo], "text": text}
            for photo, texts in publication.captions.items()
            for _, text in texts
        )
        files.write_text(layout.staged / METADATA, "".join(_dump(row) for row in rows))
        if dataset.source and dataset.source.is_file():
            files.copy_mode(dataset.source, layout.staged / METADATA)
    return target if dataset.source else None


def _copy_modes(dataset: Dataset, layout: Layout) -> None:
    """Let those read the written caption files who may read the user's own."""
    for path in layout.staged.rglob("*"):
        own = dataset.root / path.relative_to(layout.staged)
        if dataset.source and path == layout.staged / dataset.source.name:
            own = dataset.source
        if path.is_file() and own.is_file():
            files.copy_mode(own, path)


def refuse_without_noise(prepared: Prepared, noise: NoiseStore) -> None:
    """Stop before anything is written if the noise of a photo is zero everywhere.

    Raises:
        ModelError: the noise of a photo is zero; the message names the photo.
    """
    for number, photo in enumerate(prepared.photos):
        if not noise.grid(number).any():
            raise _unprotected(photo.id)


def _unprotected(photo: str) -> ModelError:
    return ModelError(
        f"{photo} would not be protected: the surrogate does not react to it, so it got no noise",
        hint="choose another --surrogate",
    )


def _write_photo(
    publication: Publication, state: State, settings: ProtectSettings, folder: Path, number: int
) -> tuple[ManifestLine, Picture, Picture]:
    """Write one photo; return its manifest line, the picture before the noise, and the copy as it is read back."""
    photo = publication.prepared.photos[number]
    try:
        target = target_of(photo.path, settings)
    finally:  # whatever cannot be decoded now could be before
        refuse_changed(photo, publication.prepared.hashes[number])
    protected = target.protected(state.noise.grid(number), settings)
    if np.array_equal(protected.pixels, target.picture.pixels):
        raise _unprotected(photo.id)
    path = folder / publication.names[photo.id]
    written = write(target, protected, path, settings)
    files.copy_mode(photo.path, path)
    seen = visibility(target.picture.pixels, written.picture.pixels)
    trigger, quality = publication.triggers[number], written.quality
    line = ManifestLine(
        source=photo.id,
        output=publication.names[photo.id],
        sha256_in=publication.prepared.hashes[number],
        post=publication.prepared.posts[photo.id],
        sha256_out=files.sha256(path),
        perceptual_hash=perceptual_hash(written.picture.pixels),
        bytes_in=photo.path.stat().st_size,
        bytes_out=path.stat().st_size,
        width=target.picture.width,
        height=target.picture.height,
        quality=written.encoding_quality,
        linf=quality.linf,
        noise_linf=written.noise_linf,
        encoding_linf=written.encoding_linf,
        noise_kept=round(written.noise_kept, 4),
        psnr=round(quality.psnr, 3) if math.isfinite(quality.psnr) else None,
        ssim=round(quality.ssim, 5),
        flip=round(seen.flip, 5),
        delta_e=round(seen.delta_e, 4),
        trigger=trigger.text if trigger else "",
        captions=[text for _, text in publication.captions[photo.id]],
        opt_out=written.opt_out,
        notes=list(target.picture.lost),
    )
    return line, target.picture, written.picture


def _finished(layout: Layout, progress: Progress) -> Iterator[ManifestLine]:
    """Yield the manifest lines of the photos that a stopped run of the same settings wrote completely."""
    if not layout.staged_manifest.is_file():
        return
    sealed = layout.staged_manifest.read_bytes().decode("utf-8", "replace").split("\n")[:-1]  # the last one is cut off
    texts = list(map(seal.unseal_line, sealed))
    if damaged := texts.count(None):
        progress.note(f"{damaged} lines of {layout.staged_manifest} are damaged: their photos are written again")
    for text in filter(None, texts):
        try:
            line = ManifestLine.model_validate_json(text)
        except ValidationError:
            continue  # of another version
        if line.flip is None or line.perceptual_hash is None:
            continue  # written by a version that did not measure it: the photo is written again
        path = layout.staged / line.output if line.output else None
        if path and path.is_file() and files.sha256(path) == line.sha256_out:
            yield line


def _sealed_line(line: ManifestLine) -> str:
    return seal.seal_line(line.model_dump_json())


def _dump(row: dict[str, str]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
