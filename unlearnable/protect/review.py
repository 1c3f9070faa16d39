"""Let somebody look at the posts of a run, and change their triggers, before anything of them is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.encode import encode
from unlearnable.methods.base import AnySession
from unlearnable.methods.optimise import OptimisationTask, OptimisationTrace, improve_further
from unlearnable.methods.triggers import allowed_words, redraw_trigger
from unlearnable.protect.photo import target_of, write
from unlearnable.protect.read import Run
from unlearnable.protect.write import compose, refuse_without_noise
from unlearnable.settings import Hyperparameters
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

FURTHER_ROUNDS = 4  # that fit the noise to changed triggers


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
        """Write a photo twice as its copy would be encoded; return the files without noise and with it."""
        photo, settings = self._run.ready[number].photo, self._run.settings
        target = target_of(photo.path, settings)
        suffix = target.encoding.suffix
        before, after = folder / f"{number}-before{suffix}", folder / f"{number}-after{suffix}"
        encode(target.picture, before, target.encoding, keep_metadata="none")
        write(target, self._session.state.noise.grid(number), after, settings)
        return before, after

    def other_words(self, number: int) -> str:
        """Return a trigger of other words, drawn at random, for a post."""
        drawn = redraw_trigger(self._session, self._settings(), number)
        return self._run.problem.trigger(number, drawn.tolist()).text

    def concepts_of(self, number: int, trigger: str) -> tuple[int, ...]:
        """Return the concepts of a trigger that somebody wrote for a post.

        Raises:
            InputError: it has another number of words, or one that the post's trigger may not hold.
        """
        settings, problem, words = self._settings(), self._run.problem, trigger.casefold().split()
        if len(words) != settings.trigger_length:
            have = counted(len(words), "word")
            raise InputError(f"{trigger!r} has {have}: a trigger needs {settings.trigger_length}")
        if len(set(words)) < len(words):
            raise InputError(f"{trigger!r} has a word twice", hint="use each word once")
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
        chosen = {number: self.concepts_of(number, trigger) for number, trigger in triggers.items()}
        for number, concepts in chosen.items():
            leader = problem.leaders[number] if problem.leaders else number
            state.triggers[leader] = torch.tensor(concepts)
        state.triggers = problem.led(state.triggers)

    def _settings(self) -> Hyperparameters:
        if not self._run.method.has_trigger:
            raise ConfigError(f"method {self._run.method.name} has no triggers")
        return self._run.loaded.own


Reviewer = Callable[[Review], Mapping[int, str]]
"""A function from posts to the triggers to change, by the number of the post; none to have the posts written."""


def review_posts(
    run: Run, task: OptimisationTask, session: AnySession, trace: OptimisationTrace, ask: Reviewer, progress: Progress
) -> tuple[list[str], float]:
    """Ask a reviewer until they change no trigger; after each change some more rounds fit the noise to it.

    Returns:
        Remarks for the report, and the seconds in which only the reviewer was at work.
    """
    refuse_without_noise(run, session.state)
    review, changed, waited = Review(run, session), set[int](), 0.0
    rounds = min(FURTHER_ROUNDS, task.settings.max_rounds)
    while True:
        asked = time.monotonic()
        triggers = ask(review)
        waited += time.monotonic() - asked
        if not triggers:
            break
        review.give(triggers)
        changed |= triggers.keys()
        improve_further(task, session, trace, rounds, progress)
    note = f"triggers changed by hand: {len(changed)}, so that run.toml alone does not repeat this result"
    return ([note] if changed else []), waited
