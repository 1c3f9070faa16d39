"""A run in two steps: noise and triggers are made and may be looked at and changed before a file of them is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from unlearnable.config import ProtectSettings, TriggerSettings
from unlearnable.disk import limits
from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.encode import encode
from unlearnable.methods.base import AnySession
from unlearnable.methods.optimise import OptimisationTask, OptimisationTrace, improve_further, optimise
from unlearnable.methods.triggers import allowed_words, redraw_trigger
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.protect.caption_names import refuse_unmentioned
from unlearnable.protect.layout import clear, layout_of
from unlearnable.protect.photo import target_of, write
from unlearnable.protect.posts import open_posts, places_of
from unlearnable.protect.publish import finish, stage
from unlearnable.protect.records import stored
from unlearnable.protect.resume import create_folders, held, refuse_existing_output
from unlearnable.protect.setup import Run, copies_bytes, load_all, make_ready
from unlearnable.protect.write import composed, refuse_without_noise
from unlearnable.results import ProtectReport
from unlearnable.wording.counts import counted

FURTHER_ROUNDS = 4  # that bind the noise to changed triggers


@dataclass(frozen=True)
class DraftPost:
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


@dataclass
class ProtectionDraft:
    """Posts with noise and triggers of which nothing is written yet.

    Attributes:
        run: the run, whose noise lies in its scratch folder.
        task: its optimisation.
        session: noise and triggers.
        trace: losses and time of the optimisation.
        began: time when the work began, less the time in which only a person was at work.
        changed: posts whose trigger was changed by hand.
        bound: whether the noise was made for the triggers as they are; not after a change that was stopped.
        idle: time when the last work ended.
    """

    run: Run
    task: OptimisationTask
    session: AnySession
    trace: OptimisationTrace
    began: float
    changed: set[int] = field(default_factory=set)
    bound: bool = True
    idle: float = field(default_factory=time.monotonic)

    @property
    def posts(self) -> list[DraftPost]:
        """The posts as they would be published."""
        publication = composed(self.run, self.session.state)
        return [
            DraftPost(
                photo.id,
                photo.path,
                triggers[0].text if triggers else "",
                tuple(text for _, text in publication.captions[photo.id]),
                tuple(pair.caption for pair, _ in publication.captions[photo.id]),
            )
            for photo, triggers in zip(self.run.prepared.photos, publication.triggers, strict=True)
        ]

    def write_photo(self, number: int, folder: Path) -> tuple[Path, Path]:
        """Write a photo into a folder twice as its copy would be encoded: without noise and with it.

        Returns:
            Both files.
        """
        run = self.run
        photo = run.prepared.photos[number]
        target = target_of(photo.path, run.settings)
        suffix = target.encoding.suffix
        before, after = folder / f"{number}-before{suffix}", folder / f"{number}-after{suffix}"
        encode(target.picture, before, target.encoding, keep_metadata="none")
        write(target, self.session.state.noise.grid(number), after, run.settings, photo.id)
        return before, after

    def copies(self, output: Path) -> list[tuple[Path, DraftPost]]:
        """Return each photo that was written to a published folder, and its post."""
        names = self.run.prepared.names
        found = [(output / names[post.photo], post) for post in self.posts]
        return [(path, post) for path, post in found if path.is_file()]

    def other_words(self, number: int) -> str:
        """Return a trigger of other words, drawn at random, for a post."""
        drawn = redraw_trigger(self.session, self._refuse_without_trigger(), number)
        return self.run.problem.trigger(number, drawn.tolist()).text

    def concepts_of(self, number: int, trigger: str) -> tuple[int, ...]:
        """Return the concepts of a trigger that somebody wrote for a post.

        Raises:
            InputError: it has another number of words, or one that the post's trigger may not hold.
        """
        settings = self._refuse_without_trigger()
        problem, words = self.run.problem, trigger.casefold().split()
        if len(words) != settings.trigger_length:
            raise InputError(
                f"{trigger!r} has {counted(len(words), 'word')}: a trigger needs {settings.trigger_length}"
            )
        if len(set(words)) < len(words):
            raise InputError(f"{trigger!r} has a word twice", hint="use each word once")
        known = problem.vocabulary.words(problem.posts.slots[number][0].language)
        numbers = {word.casefold(): place for place, word in enumerate(known)}
        allowed = allowed_words(problem, settings, number)
        for word in words:
            if word not in numbers:
                raise InputError(
                    f"{word!r} is not among the words of triggers",
                    hint="choose other words",
                )
            if not allowed[numbers[word]]:
                raise InputError(f"{word!r} is in the caption or describes the photo", hint="choose another word")
        return tuple(numbers[word] for word in words)

    def change(self, triggers: Mapping[int, str], progress: Progress | None = None) -> None:
        """Give posts other triggers, and bind the noise to them in some more rounds.

        Posts that share a trigger, as those of a carousel do, get the same one.

        Args:
            triggers: words by the number of the post.
            progress: receives progress updates.

        Raises:
            InputError: a trigger does not fit its post; nothing is changed then.
        """
        if not triggers:
            return
        chosen = {number: self.concepts_of(number, trigger) for number, trigger in triggers.items()}
        with self._at_work():
            self.bound = False
            problem, state = self.run.problem, self.session.state
            for number, concepts in chosen.items():
                shared = self.run.settings.trigger_scope == "user"
                leader = problem.leaders[number] if problem.leaders else number
                state.triggers[slice(None) if shared else leader] = torch.tensor(concepts)
                self.changed.add(number)
            state.triggers = problem.led(state.triggers)
            rounds = min(FURTHER_ROUNDS, self.task.settings.max_rounds)
            improve_further(self.task, self.session, self.trace, rounds, progress or Silent())
            self.bound = True

    def publish(self, output: Path, progress: Progress | None = None) -> ProtectReport:
        """Write the posts, verify them, and put them in place.

        Raises:
            OutputError: the folder exists already or cannot be written.
            ModelError: the result would not protect.
            ConfigError: the last change of triggers was stopped.
        """
        if not self.bound:
            raise ConfigError("the change of triggers was stopped", hint="change them again first")
        settings = self.run.settings.model_copy(update={"output": output})
        run = replace(self.run, settings=settings, layout=layout_of(self.run.dataset.root, output))
        with self._at_work(), held(run.layout):
            refuse_existing_output(run.layout, run.key, resume=False, overwrite=False)
            limits.check_space(run.layout.private, copies_bytes(run.prepared))
            create_folders(run.layout, run.key, stored(settings), self.run.dataset.posts, resume=False)
            try:
                state, rounds, progress = self.session.state, self.trace.losses, progress or Silent()
                return finish(run, stage(run, state, rounds, self.began, progress, self._notes()), progress)
            finally:  # a run that was stopped here cannot be resumed: its noise is not in the folder
                clear(run.layout)

    def _notes(self) -> list[str]:
        if not self.changed:
            return []
        return [f"triggers changed by hand: {len(self.changed)}, so that run.toml alone does not repeat this result"]

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Leave the time since the last work out of the time that the run took; this work may fail or be stopped."""
        self.began += time.monotonic() - self.idle
        try:
            yield
        finally:
            self.idle = time.monotonic()

    def _refuse_without_trigger(self) -> TriggerSettings:
        if not self.run.method.has_trigger:
            raise ConfigError(f"method {self.run.method.name} has no triggers")
        return self.run.settings


def draft(settings: ProtectSettings, scratch: Path, progress: Progress | None = None) -> ProtectionDraft:
    """Make noise and triggers as `protect` does, but write nothing outside of `scratch`.

    Args:
        settings: see `unlearnable.config.ProtectSettings`.
        scratch: empty folder for working copies, which the caller removes after the draft.
        progress: receives progress updates.

    Raises:
        InputError: no photo can be protected.
        ModelError: a surrogate is not available, or a photo got no noise.
        OutputError: the output holds results already.
    """
    began, progress = time.monotonic(), progress or Silent()
    source, layout = places_of(settings)
    dataset = open_posts(source, settings, progress)
    refuse_existing_output(layout, "", resume=False, overwrite=False)
    run = make_ready(load_all(settings, progress), layout, dataset, scratch, progress).aside
    refuse_unmentioned(run)
    task = replace(run.task, checkpoint=None, key="")
    session, trace = optimise(task, progress)
    refuse_without_noise(run.prepared, session.state.noise)
    return ProtectionDraft(replace(run, problem=session.problem), task, session, trace, began)
