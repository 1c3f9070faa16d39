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
from unlearnable.protect.setup import Run
from unlearnable.protect.write import composed, refuse_without_noise
from unlearnable.settings import MethodSettings
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

FURTHER_ROUNDS = 4  # that bind the noise to changed triggers


@dataclass(frozen=True)
class ReviewedPost:
    """A post as it would be published.

    Attributes:
        photo: id of the photo.
        original: file of the photo.
        trigger: words that were added; empty for methods without a trigger.
        captions: each caption with its trigger.
        before: the same captions without it.
    """

    photo: str
    original: Path
    trigger: str
    captions: tuple[str, ...]
    before: tuple[str, ...]


class Review:
    """Posts with noise and triggers, of which nothing is written yet."""

    def __init__(self, run: Run, session: AnySession) -> None:
        self._run, self._session = run, session

    @property
    def posts(self) -> list[ReviewedPost]:
        """The posts as they would be published."""
        publication = composed(self._run, self._session.state)
        return [
            ReviewedPost(
                photo.id,
                photo.path,
                triggers[0].text if triggers else "",
                tuple(text for _, text in publication.captions[photo.id]),
                tuple(pair.caption for pair, _ in publication.captions[photo.id]),
            )
            for photo, triggers in zip(self._run.prepared.photos, publication.triggers, strict=True)
        ]

    def write_photo(self, number: int, folder: Path) -> tuple[Path, Path]:
        """Write a photo twice as its copy would be encoded; return the files without noise and with it."""
        photo, settings = self._run.prepared.photos[number], self._run.settings
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
            raise InputError(
                f"{trigger!r} has {counted(len(words), 'word')}: a trigger needs {settings.trigger_length}"
            )
        if len(set(words)) < len(words):
            raise InputError(f"{trigger!r} has a word twice", hint="use each word once")
        known = problem.vocabulary.words(problem.posts.slots[number][0].language)
        numbers = {word.casefold(): place for place, word in enumerate(known)}
        allowed = allowed_words(problem, number)
        for word in words:
            if word not in numbers:
                raise InputError(f"{word!r} is not among the words of triggers", hint="choose other words")
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

    def _settings(self) -> MethodSettings:
        if not self._run.method.has_trigger:
            raise ConfigError(f"method {self._run.method.name} has no triggers")
        return self._run.method_settings


Reviewer = Callable[[Review], Mapping[int, str]]
"""A function from posts to the triggers to change, by the number of the post; none to have the posts written."""


@dataclass(frozen=True)
class Reviewed:
    """What came of a review: remarks for the report, and the seconds in which only the reviewer was at work."""

    notes: list[str]
    waited: float


def reviewed(
    run: Run, task: OptimisationTask, session: AnySession, trace: OptimisationTrace, ask: Reviewer, progress: Progress
) -> Reviewed:
    """Ask a reviewer until they change no trigger; after each change some more rounds bind the noise to it.

    Raises:
        InputError: a trigger does not fit its post.
        ModelError: a photo got no noise.
    """
    refuse_without_noise(run.prepared, session.state.noise)
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
    return Reviewed([note] if changed else [], waited)
