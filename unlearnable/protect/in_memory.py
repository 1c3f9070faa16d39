"""Protect posts that are in memory: no folder is read, none is written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, NamedTuple

from unlearnable.errors import InputError, ModelError
from unlearnable.imaging.decode import Kind, Photo, like, pixels_of
from unlearnable.imaging.placement import Noisy, grid_shape, working_copy
from unlearnable.methods.base import Problem, State
from unlearnable.methods.optimise import OptimisationTask, optimise
from unlearnable.methods.words import Captions, cut_captions
from unlearnable.posts.languages import languages_of
from unlearnable.protect.layout import SMALLEST
from unlearnable.protect.readback import losses_on, refuse_unprotected
from unlearnable.protect.setup import Loaded
from unlearnable.settings import ProtectionSettings
from unlearnable.storage.locks import scratch_folder
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Posts, Rgb8, equal_photos, leaders_of
from unlearnable.wording import counted


class ProtectedPost(NamedTuple, Generic[Kind]):
    """A protected photo, of the kind that was given, and its caption with the trigger."""

    image: Kind
    caption: str


def protect_in_memory(
    loaded: Loaded[ProtectionSettings], images: Sequence[Kind], captions: Sequence[str], progress: Progress
) -> list[ProtectedPost[Kind]]:
    """Return the posts, protected, in order; working copies lie in the temporary folder meanwhile.

    Raises:
        InputError: there is no photo, there are not as many captions, or a photo is of no known kind or too small.
        ModelError: a photo got no noise, or the posts would hardly be protected.
    """
    if any(isinstance(each, str) or not isinstance(each, Sequence) for each in (images, captions)):
        raise InputError("photos and captions have to be lists")
    for number, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise InputError(f"captions[{number}] is a {type(caption).__name__}", hint="give one text for each photo")
    if not images or len(images) != len(captions):
        raise InputError(
            f"{counted(len(images), 'photo')} and {counted(len(captions), 'caption')}",
            hint="give one caption for each photo",
        )
    pictures = [_read(image, f"images[{number}]") for number, image in enumerate(images)]
    with scratch_folder() as scratch:
        problem = _problem(loaded, pictures, captions, scratch)
        task = OptimisationTask(problem, loaded.method, loaded.own, checkpoint=None, key="")
        session, _ = optimise(task, progress)
        state = session.state
        protected = [_with_noise(loaded.settings, state, number, picture) for number, picture in enumerate(pictures)]
        slots = problem.posts.slots
        words = Captions(slots, state.triggers.tolist() if state.triggers.shape[1] else [], loaded.vocabulary)
        texts = [words.of(number, [caption]) for number, caption in enumerate(captions)]
        if loaded.method.lowers_loss:
            store = _stored(protected, loaded.side, scratch / "protected.u8")
            losses = losses_on(problem, state.models, store, store, texts, loaded.own.precision)
            refuse_unprotected(losses, loaded.settings, staged=False)
    return [ProtectedPost(like(image, one), text) for image, one, [text] in zip(images, protected, texts, strict=True)]


def _read(image: Photo, name: str) -> Rgb8:
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


def _problem(
    loaded: Loaded[ProtectionSettings], pictures: Sequence[Rgb8], captions: Sequence[str], scratch: Path
) -> Problem:
    settings, side = loaded.settings, loaded.side
    pixels = _stored(pictures, side, scratch / "pixels.u8")
    posts = [[caption] for caption in captions]
    slots = cut_captions(posts, loaded.own, loaded.trigger_tokens, settings.seed, languages_of(posts))
    contents = [(picture.shape, hashlib.sha256(picture.tobytes()).digest()) for picture in pictures]
    return Problem(
        posts=Posts(pixels, slots),
        grids=tuple(grid_shape(picture.shape[0], picture.shape[1], side) for picture in pictures),
        captions=tuple((caption,) for caption in captions),
        leaders=leaders_of([[content] for content in contents]),
        equal=equal_photos(contents),
        surrogates=loaded.surrogates,
        proxies=loaded.proxies,
        witness=loaded.witness,
        vocabulary=loaded.vocabulary,
        seed=settings.seed,
        noise_path=scratch / "noise.i8",
    )


def _with_noise(settings: ProtectionSettings, state: State, number: int, picture: Rgb8) -> Rgb8:
    grid = state.noise.grid(number)
    if not grid.any():
        raise ModelError(
            f"images[{number}] would not be protected: the surrogate does not react to it, so it got no noise",
            hint="choose another surrogate",
        )
    return Noisy(picture, grid).whole()
