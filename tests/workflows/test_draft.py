"""A draft: noise and triggers to look at and change before a file of them is written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import tree
from tests.methods.sessions import measure
from unlearnable import protect
from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.errors import ConfigError, InputError, Interrupted, OutputError
from unlearnable.progress.reporting import Silent
from unlearnable.protect import publish
from unlearnable.protect.draft import draft


@pytest.fixture
def make(posts, quick, tmp_path):
    """Drafts of the posts."""

    def make(name="draft", **settings):
        scratch = tmp_path / "scratch" / name
        scratch.mkdir(parents=True)
        given = {"photos": (posts,), "output": tmp_path / "out", **quick, **settings}
        return draft(resolve_as(ProtectSettings, given), scratch)

    return make


def test_a_draft_writes_nothing_and_then_what_protect_writes(posts, quick, make, tmp_path):
    before = tree(posts)
    made = make()
    made.write_photo(0, made.run.scratch)
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "scratch"}
    report = made.publish(tmp_path / "out")
    assert tree(posts) == before
    straight = protect(posts, output=tmp_path / "straight", **quick)
    assert tree(tmp_path / "out") == tree(tmp_path / "straight")
    both = {"output", "private", "seconds"}
    assert report.model_dump(exclude=both) == straight.model_dump(exclude=both)
    assert set(tree(tmp_path / "out.private")) == set(tree(tmp_path / "straight.private"))
    assert [path.name for path, _ in made.copies(tmp_path / "out")][:2] == ["p0.png", "p1.png"]


def test_the_photo_is_seen_as_it_will_be_written(posts, make, tmp_path):
    made = make(platform="web")
    before, after = made.write_photo(3, made.run.scratch)
    made.publish(tmp_path / "out")
    assert after.read_bytes() == (tmp_path / "out" / "p3.jpg").read_bytes()
    seen, original = (np.asarray(Image.open(path)).astype(int) for path in (before, posts / "p3.png"))
    assert np.abs(seen - original).mean() < 5
    assert before.read_bytes() != after.read_bytes()


def test_other_words_change_the_trigger_and_the_noise_follows(make, tmp_path):
    made = make(max_rounds=6, noise_steps=8, surrogate_steps=4)
    first = made.posts
    assert all(len(post.trigger.split()) == 3 for post in first)
    assert all(
        text == f"{post.trigger} {was}" for post in first for text, was in zip(post.captions, post.before, strict=True)
    )
    other = made.other_words(2)
    assert not set(other.split()) & set(first[2].trigger.split())
    grid, found = made.session.state.noise.grid(2).copy(), made.session.state.triggers.clone()
    made.session.state.triggers[2] = torch.tensor(made.concepts_of(2, other))
    unbound = measure(made.session)[2]
    made.session.state.triggers = found
    made.change({2: other})
    after = made.posts
    assert after[2].trigger == other
    assert [post.trigger for n, post in enumerate(after) if n != 2] == [
        p.trigger for n, p in enumerate(first) if n != 2
    ]
    assert (made.session.state.noise.grid(2) != grid).any()
    assert made.session.state.losses[2] < unbound / 2
    report = made.publish(tmp_path / "out")
    assert report.trigger_roundtrip == 1.0
    assert report.rounds == 10
    assert "triggers changed by hand: 1" in report.notes[0]
    rows = [json.loads(line) for line in (tmp_path / "out" / "posts.jsonl").read_text().splitlines()]
    assert rows[2]["caption"].startswith(other)


def test_a_trigger_of_ones_own_has_to_fit_its_post(make):
    made = make()
    words, problem = made.other_words(0).split(), made.run.problem
    taken = problem.vocabulary.glosses[int((~problem.allowed(0)).nonzero()[0])]
    for trigger, reason in (
        ("one", "has 1 word: a trigger needs 3"),
        ("", "has 0 words"),
        (" ".join([*words, "more"]), "has 4 words"),
        (f"{words[0]} {words[1]} {words[0]}", "a word twice"),
        (f"{words[0]} {words[1]} qzxv", "'qzxv' is not among the words"),
        (f"{taken} {words[0]} {words[1]}", f"'{taken}' is in the caption or describes the photo"),
    ):
        with pytest.raises(InputError, match=reason):
            made.change({0: trigger})
    mine = made.other_words(0)
    made.change({0: mine.upper()})
    assert made.posts[0].trigger == mine
    assert made.posts[0].captions[0].startswith(mine)


def test_posts_that_share_a_trigger_change_it_together(make):
    made = make(trigger_scope="user")
    other = made.other_words(5)
    made.change({5: other})
    assert {post.trigger for post in made.posts} == {other}


def test_a_change_that_was_stopped_is_not_published(make, tmp_path):
    class Stopping(Silent):
        def advance(self, steps=1, **metrics):
            raise Interrupted("stopped")

    made = make()
    other = made.other_words(1)
    with pytest.raises(Interrupted):
        made.change({1: other}, Stopping())
    with pytest.raises(ConfigError, match="stopped"):
        made.publish(tmp_path / "out")
    made.change({1: other})
    made.publish(tmp_path / "out")


def test_a_publication_that_fails_leaves_nothing(make, tmp_path, monkeypatch):
    made = make()
    monkeypatch.setattr(publish, "measure_losses", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made.publish(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.private").exists()
    monkeypatch.undo()


def test_time_in_which_only_a_person_was_at_work_is_left_out_once(make, tmp_path):
    made = make()
    made.began, made.idle = made.began - 1000, made.idle - 1000
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    for _ in range(2):
        with pytest.raises(OutputError):
            made.publish(tmp_path / "taken")
    assert 0 < made.publish(tmp_path / "out").seconds < 900


def test_a_taken_folder_is_refused_before_the_work_and_before_writing(make, tmp_path):
    made = make()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    for attempt in (lambda: make("second"), lambda: made.publish(tmp_path / "out")):
        with pytest.raises(OutputError, match=r"out exists already|not made by this program"):
            attempt()
    assert tree(tmp_path / "out") == {"mine.txt": b"mine"}
    made.publish(tmp_path / "elsewhere")


def test_methods_without_a_trigger_have_no_words_to_change(make, tmp_path):
    made = make(method="em")
    assert {post.trigger for post in made.posts} == {""}
    with pytest.raises(ConfigError, match="em has no triggers"):
        made.other_words(0)
    made.change({})
    made.publish(tmp_path / "out")
