"""Write photos and captions into the staging folder, read them back, and report what was measured on them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from unlearnable import report
from unlearnable.errors import InputError, ModelError, OutputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.methods.base import Problem, State
from unlearnable.methods.optimise import reason_to_stop
from unlearnable.methods.steps import batch_losses, in_order, settle
from unlearnable.methods.triggers import cut_captions
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.models.tokens import CaptionSlot, Trigger, cut, tokenizer
from unlearnable.posts import NO_RECORD, Dataset, Edits, Pair, Skipped, open_dataset, read_written, write_captions
from unlearnable.posts.names import people_in, written
from unlearnable.protect.layout import METADATA, Layout
from unlearnable.protect.photo import WriteJob, pool_for, unprotected, write_one
from unlearnable.protect.posts import field_notes
from unlearnable.protect.read import Caption, ReadyPhoto, Run, names_to_write
from unlearnable.protect.records import protected_lines, sha256_of
from unlearnable.report import ManifestLine, ProtectReport, SkippedRecord, SurrogateLoss, TriggerFigures
from unlearnable.report.pictures import ShownPhotos, Thumbnails
from unlearnable.settings import Precision, ProtectionSettings
from unlearnable.storage import files
from unlearnable.storage.pool import WorkerEnded
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels
from unlearnable.wording import counted, grouped, json_row, named

FEW = 2e6  # pixels in all photos that are written, and compared with what they were, before workers have started
LISTED = 14  # photos whose words are shown before they are written
CLEARLY = 0.95  # share of the clean posts' loss that the loss of protected posts must stay below
LOSS_BATCH = 64  # photos per batch of the reported losses, whatever batches the optimisation used
FEW_PHOTOS = 20  # a smaller set cannot be judged, whatever its loss


@dataclass(frozen=True)
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
    texts = {(pair.record, pair.index): text for post in posts for pair, text in post.captions if pair.record >= 0}
    fields = frozenset(name.casefold() for name in run.settings.keep_fields)
    edits = Edits(captions=texts, paths={post.photo: post.name for post in posts}, keep_fields=fields)
    write_captions(dataset, edits, staged if dataset.source is None else staged / dataset.source.name)
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


@dataclass(frozen=True)
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
            if shown.wants(flip):
                shown.add(post.name, flip, photo.thumbnails)
            copies.append(photo.copy)
            lines.append(line)
            progress.advance(linf=line.noise_linf or 0, psnr=line.psnr or 0.0)
    if not lines:
        hint = (
            "start again" if changed[0].reason == report.CHANGED else "use `format='png'`, or leave it out with `skip`"
        )
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
            person=one.person,
            look=one.look,
            middle=run.middle,
            side=run.loaded.side,
            line=line if line and line.output == one.name else None,
        )


def skipped_lines(dataset: Dataset, skipped: Sequence[Skipped]) -> list[ManifestLine]:
    """Return the manifest lines of what was left out."""
    posts = dataset.posts
    return [
        ManifestLine(
            source=one.where, post=posts.get(one.where), status="skipped", reason=one.reason, detail=one.detail
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
    for text in sealed:
        with suppress(ValueError):  # damaged, or of another version; pydantic's error is one too
            line = ManifestLine.model_validate(files.unseal_json(text))
            if line.output and sha256_of(layout.staged / line.output) == line.sha256_out:
                yield line


def _sealed(line: ManifestLine) -> str:
    return files.seal_json(line.model_dump(mode="json"))


def reread_captions(posts: Sequence[NewPost], run: Run) -> tuple[float, dict[str, list[str]]]:
    """Read the written captions back; those of photos without a caption of the user's are in metadata.jsonl alone.

    Returns the share of captions that are read back with all tokens of their trigger, and the captions of each path.
    """
    dataset, staged = run.dataset, run.layout.staged
    is_written = any(pair.record >= 0 for post in posts for pair, _ in post.captions)
    in_captions = _captions_of(read_written(dataset, staged)) if is_written else {}
    in_metadata = _captions_of(open_dataset(staged, staged / METADATA))
    whole = []
    for post in posts:
        for number, (pair, text) in enumerate(post.captions):
            places = [in_captions, in_metadata] if pair.record >= 0 else [in_metadata]
            there = all(text in captions.get(post.name, []) for captions in places)
            whole.append(there and (not post.triggers or _holds(text, post.triggers[number].tokens)))
    return sum(whole) / max(len(whole), 1), {post.name: in_metadata.get(post.name) or post.texts for post in posts}


def _captions_of(dataset: Dataset) -> dict[str, list[str]]:
    return grouped((pair.photo, pair.caption) for pair in dataset.pairs)


def _holds(text: str, trigger: Sequence[int]) -> bool:
    """Return whether a CLIP that reads `text` sees the trigger's tokens in sequence, and the end of the text."""
    tokens = tokenizer()(text)[0].tolist()
    end = tokens.index(tokenizer().eot_token_id)
    length = len(trigger)
    return any(tuple(tokens[n : n + length]) == tuple(trigger) for n in range(1, end - length + 1))


def measure_losses(
    run: Run, state: State, written: WrittenPhotos, texts: Mapping[str, Sequence[str]], progress: Progress
) -> list[SurrogateLoss]:
    """Return the loss of every surrogate on the clean posts and on the staged files."""
    progress.phase("checking the written files", 0)
    problem, numbers = run.problem, [one.number for one in run.ready]
    posts = replace(problem.posts, pixels=problem.posts.pixels.choose(numbers))
    whole = replace(problem, posts=posts, captions=tuple(problem.captions[number] for number in numbers))
    captions = [texts[one.name] for one in run.ready]
    return losses_on(whole, state.models, written.copies, captions, run.loaded.own.precision)


def losses_on(
    problem: Problem,
    trained: Sequence[DualEncoder],
    copies: Pixels,
    texts: Sequence[Sequence[str]],
    precision: Precision,
) -> list[SurrogateLoss]:
    """Return the loss of every surrogate, before and after the optimisation, on the clean posts and on protected ones.

    `copies` and `texts` are working copies and captions of the protected posts as they are read back.
    """
    clean, protected = ([[cut(text, 0, 0) for text in post] for post in whole] for whole in (problem.captions, texts))
    originals = problem.posts.pixels
    settle([*problem.surrogates, *trained], precision)

    def loss(model: DualEncoder, pixels: Pixels, slots: list[list[CaptionSlot]]) -> tuple[float, float]:
        each = [
            batch_losses(model, pixels.__getitem__, [slots[n][0] for n in photos], photos, precision)
            for photos in in_order(len(texts), LOSS_BATCH)
        ]
        apart, among_all = map(torch.cat, zip(*each, strict=True))
        return float(apart.mean()), float(among_all.mean())

    return [
        SurrogateLoss(
            surrogate=before.name,
            clean_pretrained=(on_clean := loss(before, originals, clean))[0],
            clean_unmasked=on_clean[1],
            protected_pretrained=loss(before, copies, protected)[0],
            protected_trained=loss(after, copies, protected)[0],
        )
        for before, after in zip(problem.surrogates, trained, strict=True)
    ]


def refuse_unprotected(losses: Sequence[SurrogateLoss], settings: ProtectionSettings, *, staged: bool) -> None:
    """Stop if a surrogate's loss on the written posts is not clearly below its loss on the clean ones.

    Posts that are `staged` lie in a folder of the run, which other settings do not resume.
    """
    for loss in losses:
        bound = max(settings.hyperparameters.threshold, CLEARLY * loss.clean_unmasked)
        if not loss.protected_trained < bound:  # also stops at NaN
            how = "protect all anew with `overwrite=True` and" if staged else "use"
            preset = "strong" if settings.preset == "balanced" else "balanced"
            raise ModelError(
                f"the written posts would hardly be protected: {loss.surrogate} has a loss of "
                f"{loss.protected_trained:.3f} on them and of {loss.clean_unmasked:.3f} on the clean ones",
                hint=f"{how} `preset='{preset}'`, more captions, or another `surrogate`",
            )


def summarise(
    run: Run,
    state: State,
    lines: Sequence[ManifestLine],
    losses: list[SurrogateLoss],
    rounds: list[float],
    roundtrip: float,
    seconds: float,
) -> ProtectReport:
    """Return the report of a run; a single photo has no losses, as they compare it with others."""
    protected, problem = protected_lines(lines), run.problem
    if len(protected) == 1:
        losses = []
    return ProtectReport(
        output=str(run.layout.output),
        private=str(run.layout.private),
        captions_file=run.dataset.captions_file,
        caption_format=run.dataset.format,
        method=run.settings.method,
        photos=len(run.dataset.photos),
        some_photos=run.dataset.partial,
        not_photos=dict(run.dataset.others),
        captions_found=run.dataset.captioned,
        skipped=[SkippedRecord.of(skip) for skip in run.skipped],
        **figures_of(protected),
        loss_first=_mean([loss.clean_pretrained for loss in losses]) if losses else None,
        loss_last=_mean([loss.protected_trained for loss in losses]) if losses else None,
        loss_rounds=rounds if losses else [],
        losses=losses,
        rounds=len(rounds),
        stopped=reason_to_stop(run.loaded.own, rounds) or "rounds",
        surrogates=[model.name for model in problem.models],
        surrogate_weights=[weights_sha256(model.module.state_dict()) for model in problem.models],
        trigger_roundtrip=roundtrip,
        triggers=variety([problem.trigger(n, row).text for n, row in enumerate(state.triggers.tolist()) if row]),
        run=run.key,
        seed=run.settings.seed,
        device=str(problem.surrogates[0].device),
        made_by=report.made_by(),
        seconds=round(seconds, 1),
        notes=_notes(run, protected),
    )


def figures_of(protected: Sequence[ManifestLine]) -> dict[str, Any]:
    """Return the figures of a report that follow from the manifest lines of the protected photos."""

    def values(name: str) -> list[float]:
        return [value for line in protected if (value := getattr(line, name)) is not None] or [0]

    return {
        "protected": len(protected),
        "captions": sum(len(line.captions) for line in protected),
        "bytes_in": sum(values("bytes_in")),
        "bytes_out": sum(values("bytes_out")),
        "linf_max": max(values("linf")),
        "noise_linf_max": max(values("noise_linf")),
        "noise_kept_mean": _mean(values("noise_kept")),
        "psnr_mean": _mean(values("psnr")),
        "psnr_min": min(values("psnr")),
        "ssim_mean": _mean(values("ssim")),
        "flip_mean": _mean(values("flip")),
        "flip_max": max(values("flip")),
        "delta_e_mean": _mean(values("delta_e")),
        "opt_out": sum(line.opt_out is not None for line in protected),
    }


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def variety(triggers: Sequence[str]) -> TriggerFigures | None:
    """Return how much the triggers of a run, one per photo, differ from each other; None without triggers.

    distinct-1 is defined as in Li et al. 2016 (arXiv 1510.03055): different words over all words.
    """
    if not triggers:
        return None
    words = [word for trigger in triggers for word in trigger.split()]
    (most, times), *_ = Counter(triggers).most_common(1)
    return TriggerFigures(
        distinct=len(set(triggers)),
        distinct_1=round(len(set(words)) / len(words), 4),
        most_frequent=most,
        most_frequent_share=round(times / len(triggers), 4),
    )


def _notes(run: Run, protected: list[ManifestLine]) -> list[str]:
    """Return remarks that the user should see about this run."""
    notes, settings = [], run.settings
    if len(protected) < FEW_PHOTOS:
        notes.append(f"{counted(len(protected), 'photo')} cannot be judged: verify needs about 100")
    if duplicates := len(run.ready) - len({one.checksum for one in run.ready}):
        notes.append(f"{counted(duplicates, 'duplicate')} share noise and trigger with the first copy")
    notes += [*names_notes(run), *field_notes(run.dataset.fields, settings.keep_fields)]
    if any(line.quality is not None for line in protected):
        notes.append("JPEG and lossy WebP take away some of the noise, and change pixels by themselves: PNG does not")
    if changed := sum(bool(line.notes) for line in protected):
        notes.append(f"{counted(changed, 'photo')} lost something (size, frames, depth, colours): see the manifest")
    if settings.keep_metadata == "all":
        notes.append(
            "all metadata was kept, including any GPS position, descriptions, which are captions without added words, "
            "and thumbnails that show the photo unprotected"
        )
    return notes


def names_notes(run: Run) -> list[str]:
    """Return what the user should know: which names were written in another way, or which could be."""
    settings, captions = run.settings, [text for post in run.dataset.captions_by_photo().values() for text in post]
    if settings.names == "keep":
        people = people_in([captions]) if run.method.has_trigger else []
        how = "`names='initials'` writes them as initials, so that nobody learns them"
        return [f"your captions name {named(people, 3)}: {how}"] if people else []
    names = names_to_write(run.dataset, settings)
    changed = sum(written(text, names, settings.names) != text for text in captions)
    if not changed:
        return ["no caption names anybody that was recognised: give names with `name`"]
    how = "initials" if settings.names == "initials" else "look-alike letters"
    return [f"names written in {how} in {changed} of {counted(len(captions), 'caption')}: {', '.join(names)}"]
