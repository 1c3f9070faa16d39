"""Write photos with their noise: each is written, read back, measured and listed in the manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from unlearnable.config import ProtectSettings
from unlearnable.datasets import Skipped
from unlearnable.disk import checksums, files, seal
from unlearnable.errors import InputError, OutputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.methods.state import State
from unlearnable.posts.pixels import Pixels
from unlearnable.progress.reporting import Progress
from unlearnable.report.pictures import Thumbnails
from unlearnable.report.shown_photos import ShownPhotos
from unlearnable.results import ManifestLine
from unlearnable.results.protect import CHANGED
from unlearnable.wording.counts import counted
from unlearnable.workers.pool import WorkerEnded
from unlearnable.workflows.output.layout import Layout
from unlearnable.workflows.protect.preparing.hands import pool_for
from unlearnable.workflows.protect.preparing.reading import Prepared
from unlearnable.workflows.protect.preparing.setup import Run
from unlearnable.workflows.protect.writing.publication import Publication
from unlearnable.workflows.protect.writing.write_one import WriteJob, unprotected, write_one

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
        InputError: all photos have changed; or, with `strict`, one has.
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
                    hint="memory may have run out; go on with --resume",
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
    _refuse_all(changed, len(lines), run.settings)
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


def _refuse_all(changed: Sequence[Skipped], written: int, settings: ProtectSettings) -> None:
    if changed and (settings.strict or not written):
        hint = "start again" if changed[0].reason == CHANGED else "use --format png, or leave it out with --skip"
        raise InputError(changed[0].line, hint=hint)


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
    return seal.seal_json(line.model_dump(mode="json"))


def _unsealed(line: str) -> ManifestLine | None:
    """Return the manifest line in a line of the staged manifest; None if it is damaged, or of another version."""
    try:
        return ManifestLine.model_validate(seal.unseal_json(line))
    except ValueError:  # also pydantic's
        return None
