"""Write what a run will publish into the staging folder: photos, and their captions with the triggers in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from unlearnable.errors import InputError, OutputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.methods.base import State
from unlearnable.methods.triggers import cut_captions
from unlearnable.models.tokens import Trigger
from unlearnable.posts import NO_RECORD, Dataset, Edits, Pair, Skipped, write_captions
from unlearnable.posts.names import written
from unlearnable.protect.layout import METADATA, Layout
from unlearnable.protect.photo import WriteJob, pool_for, unprotected, write_one
from unlearnable.protect.read import Caption, ReadyPhoto, Run, names_to_write
from unlearnable.report import CHANGED, ManifestLine
from unlearnable.report.pictures import ShownPhotos, Thumbnails
from unlearnable.storage import files
from unlearnable.storage.pool import WorkerEnded
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels
from unlearnable.wording import json_row

FEW = 2e6  # pixels in all photos that are written, and compared with what they were, before workers have started
LISTED = 14  # photos whose words are shown before they are written


@dataclasses.dataclass(frozen=True)
class NewPost:
    """A post as it will be published."""

    ready: ReadyPhoto
    triggers: Sequence[Trigger]  # of each caption; none for methods without a trigger
    captions: Sequence[tuple[Pair, str]]  # each with its new text

    @property
    def photo(self) -> str:
        """The id of the photo."""
        return self.ready.photo.id

    @property
    def name(self) -> str:
        """The path of its copy in the output folder."""
        return self.ready.name

    @property
    def texts(self) -> list[str]:
        """The new texts of its captions."""
        return [text for _, text in self.captions]

    @property
    def words(self) -> str:
        """The words of its trigger; empty for methods without one."""
        return self.triggers[0].text if self.triggers else ""


def compose(run: Run, state: State, *, plain_names: bool = False) -> list[NewPost]:
    """Return the posts of a run: every caption with its trigger, in its own language.

    A caption that stands in one place for several photos is one text, with the trigger where the first of them has it.
    """
    lookalike = run.settings.names == "lookalike" and not plain_names
    captions = _with_lookalike_names(run) if lookalike else run.captions
    vocabulary, shared = run.problem.vocabulary, dict[tuple[int, int], str]()
    posts = []
    for one, numbers in zip(run.ready, state.triggers.tolist(), strict=True):
        triggers, texts = [], []
        for caption in captions[one.photo.id]:
            pair, slot = caption.pair, caption.slot
            text = pair.caption
            if numbers:
                triggers.append(vocabulary.trigger(numbers, slot.language))
                text = slot.text(triggers[-1])
            if pair.record >= 0:
                text = shared.setdefault((pair.record, pair.index), text)
            texts.append((pair, text))
        posts.append(NewPost(one, triggers, texts))
    return posts


def _with_lookalike_names(run: Run) -> Mapping[str, list[Caption]]:
    """Return the captions of each photo with names in look-alike letters.

    Noise and words are made with the names as they are, so that they hold against whoever undoes the letters.
    """
    names = names_to_write(run.dataset, run.settings)
    texts = [[written(caption.pair.caption, names, "lookalike") for caption in post] for post in run.captions.values()]
    languages = [[caption.slot.language for caption in post] for post in run.captions.values()]
    cut = cut_captions(texts, run.loaded.own, run.loaded.trigger_tokens, run.settings.seed, languages)
    return {
        photo: [Caption(caption.pair, slot) for caption, slot in zip(post, slots, strict=True)]
        for (photo, post), slots in zip(run.captions.items(), cut, strict=True)
    }


def word_list(posts: Sequence[NewPost], layout: Layout) -> list[str]:
    """Return a line for each photo with its words; of many photos for the first, and where the others are."""
    lines = [f"words  {post.photo}: {post.words}" for post in posts if post.words]
    if len(lines) <= LISTED + 1:
        return lines
    return [*lines[:LISTED], f"words  of {len(lines) - LISTED} more photos will be in {layout.page}"]


def write_caption_files(posts: Sequence[NewPost], run: Run) -> None:
    """Write the captions back in their own format, and metadata.jsonl for Hugging Face's imagefolder."""
    dataset, staged = run.dataset, run.layout.staged
    edits = Edits(
        captions={
            (pair.record, pair.index): text for post in posts for pair, text in post.captions if pair.record >= 0
        },
        paths={post.photo: post.name for post in posts},
        keep_fields=frozenset(name.casefold() for name in run.settings.keep_fields),
    )
    target = staged if dataset.source is None else staged / dataset.source.name
    write_captions(dataset, edits, target)
    is_own = dataset.captions_file == METADATA  # it lacks the photos without a caption
    before = (staged / METADATA).read_text(encoding="utf-8") if is_own else ""
    rows = (
        {"file_name": post.name, "text": text}
        for post in posts
        for pair, text in post.captions
        if not is_own or pair.record == NO_RECORD
    )
    if not before.startswith("["):
        files.write_text(staged / METADATA, before + "".join(map(json_row, rows)))


@dataclasses.dataclass(frozen=True)
class WrittenPhotos:
    """What was written of the photos."""

    left_out: list[Skipped]  # photos that had changed
    lines: list[ManifestLine]  # of the others, in order
    thumbnails: dict[str, Thumbnails]  # of the photos in which most is seen, by the path of the copy
    copies: Pixels  # working copies of the files as they are read back


def write_photos(posts: Sequence[NewPost], state: State, run: Run, progress: Progress) -> WrittenPhotos:
    """Write every missing photo, in workers if that takes long, and the manifest line of each photo."""
    shown, layout = ShownPhotos(), run.layout
    done = {line.source: line for line in finished_lines(layout)}
    copies = Pixels.create(run.scratch / "written.u8")
    lines, changed = [], []
    progress.phase("writing photos", len(posts))
    files.write_text(layout.staged_manifest, "".join(map(_sealed, done.values())))
    with (
        files.reporting_write_errors(layout.staged_manifest),
        layout.staged_manifest.open("a", encoding="utf-8", newline="") as manifest,
        pool_for(write_one, [post.ready.pixels for post in posts], FEW) as pool,
    ):
        answers = pool.answers(_jobs(posts, state, run, done))
        for post in posts:
            path = layout.staged / post.name
            try:
                photo = next(answers).result()
            except DecodeError as error:
                changed.append(Skipped(post.photo, error.reason, error.detail))
                path.unlink(missing_ok=True)
                progress.advance()
                continue
            except WorkerEnded as error:
                hint = "memory may have run out; go on with `resume=True`"
                raise OutputError(f"the process that wrote {path} was ended", hint=hint) from error
            line, flip = photo.line, photo.line.flip or 0.0
            if line is not done.get(post.photo):
                manifest.write(_sealed(line))
                manifest.flush()
            if photo.thumbnails and shown.wants(flip):
                shown.add(post.name, flip, photo.thumbnails)
            copies.append(photo.copy)
            lines.append(line)
            progress.advance(linf=line.noise_linf or 0, psnr=line.psnr or 0.0)
    if not lines:
        hint = "start again" if changed[0].reason == CHANGED else "use `format='png'`, or leave it out with `skip`"
        raise InputError(changed[0].line, hint=hint)
    return WrittenPhotos(changed, lines, shown.thumbnails, copies)


def _jobs(posts: Sequence[NewPost], state: State, run: Run, done: Mapping[str, ManifestLine]) -> Iterator[WriteJob]:
    for post in posts:
        one, line = post.ready, done.get(post.photo)
        yield WriteJob(
            photo=one.photo,
            settings=run.settings,
            path=run.layout.staged / one.name,
            name=one.name,
            checksum=one.checksum,
            post=run.dataset.posts[one.photo.id],
            noise=state.noise.grid(one.number),
            trigger=post.words,
            captions=post.texts,
            pixels=one.pixels,
            side=run.loaded.side,
            line=line if line and line.output == one.name else None,
        )


def skipped_lines(dataset: Dataset, skipped: Sequence[Skipped]) -> list[ManifestLine]:
    """Return the manifest lines of what was left out."""
    return [
        ManifestLine(
            source=one.where,
            post=dataset.posts.get(one.where),
            status="skipped",
            reason=one.reason,
            detail=one.detail,
        )
        for one in skipped
    ]


def refuse_without_noise(run: Run, state: State) -> None:
    """Stop before anything is written if the noise of a photo is zero everywhere."""
    for one in run.ready:
        if not state.noise.grid(one.number).any():
            raise unprotected(one.photo.id)


def finished_lines(layout: Layout) -> Iterator[ManifestLine]:
    """Yield the manifest lines of the photos that a stopped run wrote completely, without damaged ones."""
    if not layout.staged_manifest.is_file():
        return
    sealed = layout.staged_manifest.read_bytes().decode("utf-8", "replace").split("\n")[:-1]  # the last one is cut off
    for line in filter(None, map(_unsealed, sealed)):
        path = layout.staged / line.output if line.output else None
        if path and path.is_file() and files.sha256(path) == line.sha256_out:
            yield line


def _sealed(line: ManifestLine) -> str:
    return files.seal_json(line.model_dump(mode="json"))


def _unsealed(line: str) -> ManifestLine | None:
    """Return the manifest line in a line of the staged manifest; None if it is damaged, or of another version."""
    try:
        return ManifestLine.model_validate(files.unseal_json(line))
    except ValueError:  # also pydantic's
        return None
