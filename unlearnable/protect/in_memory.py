"""Protect posts that are in memory: no folder is read, none is written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, NamedTuple

from unlearnable.errors import InputError, ModelError
from unlearnable.imaging.decode import Kind, Photo, like, pixels_of
from unlearnable.imaging.picture import Noisy, working_copy
from unlearnable.methods.base import State
from unlearnable.methods.optimise import OptimisationTask, optimise
from unlearnable.methods.triggers import Captions, cut_captions
from unlearnable.posts.languages import languages_of
from unlearnable.protect.layout import SMALLEST
from unlearnable.protect.read import Loaded
from unlearnable.protect.summary import losses_on, refuse_unprotected
from unlearnable.settings import ProtectionSettings
from unlearnable.storage.folders import scratch_folder
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Rgb8
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
    _check(images, captions)
    pictures = [_read(image, f"images[{number}]") for number, image in enumerate(images)]
    posts = [[caption] for caption in captions]
    contents = [(picture.shape, hashlib.sha256(picture.tobytes()).digest()) for picture in pictures]
    settings, length = loaded.settings, loaded.trigger_tokens
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
        protected = [_with_noise(state, number, picture) for number, picture in enumerate(pictures)]
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
    for number, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise InputError(f"captions[{number}] is a {type(caption).__name__}", hint="give one text for each photo")
    if not images or len(images) != len(captions):
        raise InputError(
            f"{counted(len(images), 'photo')} and {counted(len(captions), 'caption')}",
            hint="give one caption for each photo",
        )


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


def _with_noise(state: State, number: int, picture: Rgb8) -> Rgb8:
    grid = state.noise.grid(number)
    if not grid.any():
        raise ModelError(
            f"images[{number}] would not be protected: the surrogate does not react to it, so it got no noise",
            hint="choose another surrogate",
        )
    return Noisy(picture, grid).whole()
