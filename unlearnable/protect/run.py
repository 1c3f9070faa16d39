"""`protect`: read posts, make noise and triggers, write files, publish them.

In one process or several, from a folder or in memory, with a review before anything is written, or as a plan alone.
"""

import hashlib
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, NamedTuple

import torch

from unlearnable.errors import CheckpointError, ConfigError, InputError, OutputError, UnlearnableError
from unlearnable.imaging.decode import Kind, like, pixels_of
from unlearnable.imaging.encode import encode
from unlearnable.imaging.looks import in_look, looks_of, tint_of
from unlearnable.imaging.opening import DecodeError, opened
from unlearnable.imaging.picture import Noisy, working_copy
from unlearnable.methods.base import AnySession
from unlearnable.methods.optimise import OptimisationTask, OptimisationTrace, improve_further, optimise, rounds_of
from unlearnable.methods.triggers import Captions, allowed_words, cut_captions, redraw_trigger
from unlearnable.models.device import choose_device
from unlearnable.posts import Dataset, Photo, Skipped
from unlearnable.posts.languages import languages_of
from unlearnable.posts.names import numbers_of_people
from unlearnable.protect import read as reading
from unlearnable.protect.add import earlier_result, new_posts
from unlearnable.protect.layout import SMALLEST, Layout, clear, create_folders, held
from unlearnable.protect.photo import refuse_small, target_of, unprotected, write
from unlearnable.protect.posts import open_posts, places_of
from unlearnable.protect.publish import publish, stage
from unlearnable.protect.read import Loaded, Run, load_all, read, refuse_unmentioned, run_key
from unlearnable.protect.records import can_resume, finished_report, refuse_both, settings_text
from unlearnable.protect.write import compose, losses_on, refuse_unprotected, refuse_without_noise
from unlearnable.report import ProtectPlan, ProtectReport, SkippedRecord
from unlearnable.settings import PLATFORMS, Hyperparameters, ProtectionSettings, ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.folders import scratch_folder
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import Pixels, Rgb8
from unlearnable.training.distributed import ALONE, World, follow, join, lead
from unlearnable.wording import counted

FURTHER_ROUNDS = 4  # that fit the noise to changed triggers
START = 25.0  # seconds until the first round, with the bundled models
A_PHOTO = {"fast": 0.2, "balanced": 0.9, "strong": 1.1, "paper": 1.0}  # seconds of one core, with the bundled models
A_MEGAPIXEL = 0.33  # seconds of one core to read, write and check
LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".heic", ".heif", ".avif", ".webp"})


def protect(
    settings: ProtectSettings,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    review: "Reviewer | None" = None,
    world: World = ALONE,
) -> ProtectReport:
    """Protect the photos and captions that the settings name; arguments are those of `unlearnable.protect`.

    A `review` looks at the posts and may change their triggers before anything of them is written; such a run is not
    resumed. `world` is the processes that compute together; this is the first.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    started, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    with held(layout) as scratch:
        dataset = open_posts(source, settings, progress)
        key = run_key(settings, dataset)
        if resume and (finished := finished_report(layout, key)):
            lead(world, "")
            clear(layout)
            return finished
        resumed = can_resume(layout, key, resume=resume, overwrite=overwrite)
        if resume and not resumed:
            progress.note(f"nothing to resume in {layout.private}: this is a new run; check the `output`")
        run = read(load_all(settings, progress), layout, dataset, scratch, progress)
        refuse_unmentioned(run)
        if not resumed:
            files.check_space(layout.private, run.bytes_needed)
            shutil.rmtree(layout.earlier, ignore_errors=True)
        if review is not None:
            return _publish_reviewed(run.aside, review, started, progress)
        create_folders(layout, key, settings_text(settings), resume=resumed)
        lead(world, run.work)
        session, trace = optimise(run.within(world).task, progress)
        run = replace(run, problem=session.problem).within(ALONE)
        staged = stage(run, session.state, trace.losses, started, progress)
        return publish(run, staged, progress)


def _publish_reviewed(run: Run, review: "Reviewer", started: float, progress: Progress) -> ProtectReport:
    """Make noise and triggers, have them reviewed, and then write the posts."""
    task = replace(run.task, checkpoint=None, key="")
    session, trace = optimise(task, progress)
    run = replace(run, problem=session.problem)
    notes = _reviewed(run, task, session, trace, review, progress)
    create_folders(run.layout, run.key, settings_text(run.settings), resume=False)
    try:
        staged = stage(run, session.state, trace.losses, started, progress, notes)
        return publish(run, staged, progress)
    finally:  # one that was stopped here cannot be resumed: its noise is not in the folder
        clear(run.layout)


def protect_together(
    settings: ProtectSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> ProtectReport | None:
    """Protect the posts in all processes that were started together.

    Returns None in every process but the first, which alone writes.
    """
    world = join(choose_device(settings.device))
    if world.rank:
        with scratch_folder() as scratch:
            _take_part(settings, world, scratch)
        return None
    return protect(settings, resume=resume, overwrite=overwrite, progress=progress, world=world)


def _take_part(settings: ProtectSettings, world: World, scratch: Path) -> None:
    """Take part in the run of the first process, and write nothing but working copies to `scratch`."""
    try:
        source, layout = places_of(settings)
        dataset = open_posts(source, settings, Silent())
        run = read(load_all(settings, Silent()), layout, dataset, scratch, Silent()).aside
    except UnlearnableError as error:  # the first process most likely stops with the same error, and shows it
        follow(world, "", error.message)
        return
    if follow(world, run.work):
        optimise(run.within(world).task, Silent())


@dataclass(frozen=True)
class ReviewedPost:
    """A post as it would be published."""

    photo: str  # id
    original: Path
    trigger: str  # empty for methods without triggers
    captions: tuple[str, ...]  # with the trigger
    before: tuple[str, ...]  # the same without it


class Review:
    """Posts with noise and triggers, before anything is written."""

    def __init__(self, run: Run, session: AnySession) -> None:
        self._run, self._session = run, session

    @property
    def posts(self) -> list[ReviewedPost]:
        """The posts as they would be published."""
        return [
            ReviewedPost(
                post.photo,
                post.ready.photo.path,
                post.words,
                tuple(post.texts),
                tuple(pair.caption for pair, _ in post.captions),
            )
            for post in compose(self._run, self._session.state)
        ]

    def write_photo(self, number: int, folder: Path) -> tuple[Path, Path]:
        """Write a photo twice as its copy would be encoded; return the files as it was and as it will be."""
        ready, settings = self._run.ready[number], self._run.settings
        target = target_of(ready.photo.path, settings, ready.look)
        suffix = target.encoding.suffix
        before, after = folder / f"{number}-before{suffix}", folder / f"{number}-after{suffix}"
        encode(target.original or target.picture, before, target.encoding, keep_metadata="none")
        write(target, self._session.state.noise.grid(number), after, settings)
        return before, after

    def other_words(self, number: int) -> str:
        """Return a trigger of other words, drawn at random, for a post."""
        drawn = redraw_trigger(self._session, self._settings(), number)
        return self._run.problem.trigger(number, drawn.tolist()).text

    def concepts_of(self, number: int, trigger: str) -> tuple[int, ...]:
        """Return the concepts of a trigger that somebody wrote for a post, if it fits the post."""
        length, problem, words = self._settings().trigger_length, self._run.problem, trigger.casefold().split()
        if len(set(words)) != length or len(words) != length:
            raise InputError(f"{trigger!r} is not a trigger of {counted(length, 'different word')}")
        known = problem.vocabulary.words(problem.posts.slots[number][0].language)
        numbers = {word.casefold(): place for place, word in enumerate(known)}
        allowed = allowed_words(problem, number)
        for word in words:
            if word not in numbers:
                raise InputError(f"{word!r} is not in the trigger vocabulary", hint="choose other words")
            if not allowed[numbers[word]]:
                raise InputError(f"{word!r} is in the caption or describes the photo", hint="choose another word")
        return tuple(numbers[word] for word in words)

    def give(self, triggers: Mapping[int, str]) -> None:
        """Give posts other triggers; posts that share one, as those of a carousel do, get the same."""
        problem, state = self._run.problem, self._session.state
        for number, concepts in {number: self.concepts_of(number, text) for number, text in triggers.items()}.items():
            state.triggers[problem.leaders[number] if problem.leaders else number] = torch.tensor(concepts)
        state.triggers = problem.led(state.triggers)

    def _settings(self) -> Hyperparameters:
        if not self._run.method.has_trigger:
            raise ConfigError(f"method {self._run.method.name} has no triggers")
        return self._run.loaded.own


Reviewer = Callable[[Review], Mapping[int, str]]
"""A function from posts to the triggers to change, by the number of the post; none to have the posts written."""


def _reviewed(
    run: Run, task: OptimisationTask, session: AnySession, trace: OptimisationTrace, ask: Reviewer, progress: Progress
) -> list[str]:
    """Ask a reviewer until they change no trigger, and fit the noise to each change; return notes for the report."""
    refuse_without_noise(run, session.state)
    review, changed = Review(run, session), set[int]()
    while triggers := ask(review):
        review.give(triggers)
        changed |= triggers.keys()
        improve_further(task, session, trace, min(FURTHER_ROUNDS, task.settings.max_rounds), progress)
    note = f"triggers changed by hand: {len(changed)}, so that run.toml alone does not repeat this result"
    return [note] if changed else []


def plan(
    settings: ProtectSettings,
    *,
    add: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ProtectPlan:
    """Return what `protect` would do with these arguments; nothing is decoded, and nothing is written.

    Errors are those of `protect`, except those about results that exist already, which the plan holds.
    """
    refuse_both(resume=resume, overwrite=overwrite)
    progress = progress or Silent()
    source, layout = places_of(settings)
    dataset, refused = open_posts(source, settings, progress), ""
    if add:
        dataset = new_posts(dataset, earlier_result(layout))
    else:
        refused = _refusal(layout, run_key(settings, dataset), resume=resume, overwrite=overwrite)
    sizes, skipped = _sizes(dataset, reading.known_copies(dataset, layout))
    if not sizes and not add:
        raise InputError(f"no photo in {dataset.root} can be protected; {skipped[0].line}")
    captions = dataset.pairs_by_photo()
    return ProtectPlan(
        output=str(layout.output),
        caption_format=dataset.format,
        photos=len(sizes),
        not_photos=dict(dataset.others),
        captions_found=dataset.captioned,
        captions=sum(len(captions[photo.id]) for photo, _ in sizes),
        skipped=[SkippedRecord.of(skip) for skip in skipped],
        surrogates=reading.all_models(settings),
        rounds_at_most=rounds_of(settings.method, settings.hyperparameters) if sizes else 0,
        seconds_estimated=_seconds(settings, [pixels for _, pixels in sizes]),
        bytes_estimated=sum(_bytes(settings, photo, pixels) for photo, pixels in sizes),
        bytes_free=files.free_space(layout.output),
        refused=refused,
    )


def _refusal(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> str:
    """Return why `protect` would not write to its folders, with the remedy; empty if it would."""
    try:
        if not (resume and finished_report(layout, key)):
            can_resume(layout, key, resume=resume, overwrite=overwrite)
    except (CheckpointError, OutputError) as error:
        return error.line
    return ""


def _sizes(dataset: Dataset, copies: set[str]) -> tuple[list[tuple[Photo, int]], list[Skipped]]:
    """Return the photos that can be protected, each with its number of pixels by its header, and the others."""
    sizes, skipped = [], list(dataset.skipped)
    for photo in dataset.photos:
        try:
            with opened(photo.path, to_load=False) as (image, *_):
                size = image.size
            refuse_small(*size)
            if copies and photo.sha256() in copies:
                raise DecodeError(*reading.ALREADY)
            sizes.append((photo, math.prod(size)))
        except DecodeError as error:
            skipped.append(Skipped(photo.id, error.reason, error.detail))
    return sizes, skipped


def _seconds(settings: ProtectSettings, pixels: Sequence[int]) -> float | None:
    """Return about how long a run takes on one core; None for models that are not bundled."""
    if settings.surrogate != ("small",) or settings.method != "mem":
        return None
    return round(START + len(pixels) * A_PHOTO[settings.preset] + sum(pixels) / 1e6 * A_MEGAPIXEL, 1) if pixels else 0


def _bytes(settings: ProtectSettings, photo: Photo, pixels: int) -> int:
    suffix = photo.path.suffix.lower()
    if settings.platform is not None:
        pixels = math.prod(PLATFORMS[settings.platform].size(math.isqrt(pixels), math.isqrt(pixels)))
    lossy = settings.platform or settings.format == "jpeg" or (settings.format == "auto" and suffix in LOSSY_SUFFIXES)
    return reading.estimated_bytes(photo, pixels, lossy=bool(lossy))


class ProtectedPost(NamedTuple, Generic[Kind]):
    """A protected photo, of the kind that was given, and its caption with the trigger."""

    image: Kind
    caption: str


def protect_in_memory(
    loaded: Loaded[ProtectionSettings], images: Sequence[Kind], captions: Sequence[str], progress: Progress
) -> list[ProtectedPost[Kind]]:
    """Return the posts, protected, in order; working copies lie in the temporary folder meanwhile."""
    _check(images, captions)
    pictures = [_read(image, f"images[{number}]") for number, image in enumerate(images)]
    posts = [[caption] for caption in captions]
    settings, length = loaded.settings, loaded.trigger_tokens
    people = list(numbers_of_people({str(number): post for number, post in enumerate(posts)}).values())
    looks = looks_of(list(map(tint_of, pictures)), people, settings.hyperparameters.look, settings.seed)
    pictures = list(map(in_look, pictures, looks))
    contents = [(picture.shape, hashlib.sha256(picture.tobytes()).digest()) for picture in pictures]
    with scratch_folder() as scratch:
        problem = loaded.problem(
            _stored(pictures, loaded.side, scratch / "pixels.u8"),
            slots=cut_captions(posts, loaded.own, length, settings.seed, languages_of(posts)),
            captions=posts,
            sizes=[(picture.shape[0], picture.shape[1]) for picture in pictures],
            contents=contents,
            ties=[[content] for content in contents],
            noise_path=scratch / "noise.i8",
        )
        task = OptimisationTask(problem, loaded.method, loaded.own, checkpoint=None, key="")
        session, _ = optimise(task, progress)
        state = session.state
        for number in range(len(pictures)):
            if not state.noise.grid(number).any():
                raise unprotected(f"images[{number}]")
        protected = [Noisy(picture, state.noise.grid(number)).whole() for number, picture in enumerate(pictures)]
        triggers = state.triggers.tolist() if state.triggers.shape[1] else []
        words = Captions(problem.posts.slots, triggers, loaded.vocabulary)
        texts = [words.of(number, post) for number, post in enumerate(posts)]
        if loaded.method.lowers_loss:
            copies = _stored(protected, loaded.side, scratch / "protected.u8")
            losses = losses_on(problem, state.models, copies, texts, loaded.own.precision)
            refuse_unprotected(losses, settings, staged=False)
    return [ProtectedPost(like(image, one), text) for image, one, [text] in zip(images, protected, texts, strict=True)]


def _check(images: Sequence[Kind], captions: Sequence[str]) -> None:
    if any(isinstance(each, str) or not isinstance(each, Sequence) for each in (images, captions)):
        raise InputError("photos and captions have to be lists")
    if not all(isinstance(caption, str) for caption in captions):
        raise InputError("captions have to be texts", hint="give one text as the caption of each photo")
    if not images or len(images) != len(captions):
        counts = f"{counted(len(images), 'photo')} and {counted(len(captions), 'caption')}"
        raise InputError(counts, hint="give one text as the caption of each photo")


def _read(image: Kind, name: str) -> Rgb8:
    pixels = pixels_of(image, name)
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise InputError(f"{name} is too small: {width} x {height}, but at least {SMALLEST} pixels are needed")
    return pixels


def _stored(pictures: Sequence[Rgb8], side: int, path: Path) -> Pixels:
    pixels = Pixels.create(path)
    for picture in pictures:
        pixels.append(working_copy(picture, side))
    return pixels
