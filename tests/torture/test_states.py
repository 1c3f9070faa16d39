"""Runs, kills, resumed and repeated ones in any order leave no half result, and inputs and foreign files alone."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, event, seed, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import unlearnable
from tests.conftest import tree
from tests.torture.child import Child, Ended, kill_at
from tests.torture.runs import QUICK, write_posts
from unlearnable.errors import CheckpointError, ConfigError, InputError, OutputError
from unlearnable.protect.layout import Layout
from unlearnable.protect.records import check, read_sums

SEED, EXAMPLES, STEPS = 3, 3, 7
EVENTS = 100  # changes on disk of a run, about
FIRST, MOST = 3, 4  # photos
REFUSED = (CheckpointError, ConfigError, InputError, OutputError)
FOREIGN = "notes.txt"
KILLS = st.one_of(st.none(), st.integers(1, EVENTS))


class Runs(RuleBasedStateMachine):
    """A folder of photos, what is done to it, and what has to hold after each step."""

    base: ClassVar[Path]
    model: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.base))
        self.layout = Layout(self.folder / "out", self.folder / "out.private", self.folder / "photos")
        self.seed, self.inputs = 0, dict[str, bytes]()
        self.take(FIRST)

    def take(self, photos: int) -> None:
        write_posts(self.layout.photos, range(photos))
        self.inputs = tree(self.layout.photos)

    @property
    def foreign(self) -> Path:
        return self.layout.output / FOREIGN

    def published(self) -> dict[str, bytes]:
        return {name: data for name, data in tree(self.layout.output).items() if name != FOREIGN}

    def started(self, kill: int | None, **given: Any) -> Ended:
        """Let `protect` run in a child that is killed at a change on disk, if it comes that far."""

        def work() -> None:
            if kill:
                kill_at(kill, self.folder)
            unlearnable.protect(self.layout.photos, output=self.layout.output, **given)

        before, ended = self.published(), Child(work, self.folder / "answers").ended()
        if ended.signal:
            self.check_killed(before)
        elif isinstance(ended.value, REFUSED):
            assert self.published() == before
        else:
            assert ended.value is None, f"{ended.value!r} {getattr(ended.value, '__notes__', '')}"
            self.check_whole()
        event("killed" if ended.signal else "refused" if ended.value else "ended")
        return ended

    def check_whole(self) -> None:
        """Check that a whole result is there, as `doctor --check` does."""
        problems = [one for one in check(self.layout.output).problems if one.where != FOREIGN]
        assert problems == []
        left = (self.layout.progress, self.layout.scratch, self.layout.earlier)
        assert [path for path in left if path.exists()] == []

    def check_killed(self, before: dict[str, bytes]) -> None:
        """Check that there is the old result, or a whole new one, or whole files of both without a report."""
        now, sums = self.published(), read_sums(self.layout)
        if now == before:
            return
        if self.layout.report.is_file():
            assert [one for one in check(self.layout.output).problems if one.where != FOREIGN] == []
        strange = [name for name, data in now.items() if hashlib.sha256(data).hexdigest() not in sums.get(name, ())]
        assert strange == []

    @rule(seed=st.sampled_from([0, 1]), kill=KILLS)
    def run(self, seed: int, kill: int | None) -> None:
        in_use = self.layout.output.exists() or self.layout.progress.exists()
        ended = self.started(kill, surrogate=self.model, seed=seed, **QUICK)
        assert not (in_use and ended.value is None and not ended.signal), "it replaced a result unasked"
        self.seed = self.seed if in_use else seed

    @rule(kill=KILLS)
    def resume(self, kill: int | None) -> None:
        self.started(kill, surrogate=self.model, seed=self.seed, resume=True, **QUICK)

    @rule(seed=st.sampled_from([0, 1]), kill=KILLS)
    def overwrite(self, seed: int, kill: int | None) -> None:
        ended, self.seed = self.started(kill, surrogate=self.model, seed=seed, overwrite=True, **QUICK), seed
        assert self.foreign.exists() or not isinstance(ended.value, REFUSED), ended.value

    @precondition(lambda self: self.layout.report.is_file() or self.layout.earlier.exists())
    @rule(kill=KILLS)
    def add(self, kill: int | None) -> None:
        self.started(kill, add=True)

    @precondition(lambda self: len(self.inputs) <= FIRST + 1)
    @rule()
    def take_another_photo(self) -> None:
        shutil.rmtree(self.layout.photos)
        self.take(MOST)

    @precondition(lambda self: self.layout.output.exists())
    @rule()
    def write_a_note(self) -> None:
        self.foreign.write_text("mine")

    @precondition(lambda self: self.foreign.exists())
    @rule()
    def remove_the_note(self) -> None:
        self.foreign.unlink()

    @invariant()
    def inputs_are_untouched(self) -> None:
        assert tree(self.layout.photos) == self.inputs

    def teardown(self) -> None:
        """Whatever happened, there is a way on."""
        noted = self.foreign.exists()
        if noted:
            assert self.foreign.read_text() == "mine"
            self.foreign.unlink()
        ended = self.started(None, surrogate=self.model, seed=0, overwrite=True, **QUICK)
        assert ended == Ended(None, 0)
        shutil.rmtree(self.folder)


@pytest.mark.torture
def test_nothing_breaks_in_any_order(tiny_path, tmp_path):
    @seed(SEED)
    class Here(Runs):
        base, model = tmp_path, str(tiny_path)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
