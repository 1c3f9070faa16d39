"""A review: posts to look at and change before a file of them is written."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import tree
from tests.presets import preset
from unlearnable import protect as straight
from unlearnable.errors import InputError, Interrupted, OutputError
from unlearnable.protect import run, write
from unlearnable.settings import ProtectSettings, resolve_as


@pytest.fixture
def protect(posts, quick, tmp_path):
    """Protect the posts with a review, into `out`."""

    def protect(review, **settings):
        given = {"photos": (posts,), "output": tmp_path / "out", **quick, **settings}
        return run.protect(resolve_as(ProtectSettings, given), review=review)

    return protect


def test_a_review_without_changes_writes_what_protect_writes(posts, quick, protect, tmp_path):
    before, seen = tree(posts), []

    def look(review):
        assert not (tmp_path / "out").exists()
        seen.extend(review.posts)
        return {}

    report = protect(look)
    assert tree(posts) == before
    assert [post.photo for post in seen][:2] == ["p0.png", "p1.png"]
    other = straight(posts, output=tmp_path / "straight", **quick)
    assert tree(tmp_path / "out") == tree(tmp_path / "straight")
    both = {"output", "private", "seconds"}
    assert report.model_dump(exclude=both) == other.model_dump(exclude=both)
    assert set(tree(tmp_path / "out.private")) == set(tree(tmp_path / "straight.private"))


def test_a_photo_is_seen_as_it_will_be_written(posts, protect, tmp_path):
    found: dict[str, Any] = {}

    def look(review):
        before, after = review.write_photo(3, tmp_path)
        found.update(before=np.asarray(Image.open(before)).astype(int), after=after.read_bytes())
        return {}

    protect(look, platform="web")
    assert found["after"] == (tmp_path / "out" / "p3.jpg").read_bytes()
    assert np.abs(found["before"] - np.asarray(Image.open(posts / "p3.png"))).mean() < 5


def test_other_words_change_the_trigger_and_the_noise_follows(protect, tmp_path):
    asked = []

    def change(review):
        asked.append((review.posts, review.write_photo(2, tmp_path)[1].read_bytes()))
        return {2: review.other_words(2).upper()} if len(asked) == 1 else {}

    report = protect(change, preset=preset(max_rounds=6, noise_steps=8, surrogate_steps=4))
    (first, photo), (after, again) = asked
    assert all(len(post.trigger.split()) == 3 for post in first)
    assert all(
        text == f"{post.trigger} {was}" for post in first for text, was in zip(post.captions, post.before, strict=True)
    )
    changed = [n for n, (one, other) in enumerate(zip(first, after, strict=True)) if one.trigger != other.trigger]
    assert changed == [2]
    assert not set(first[2].trigger.split()) & set(after[2].trigger.split())
    assert photo != again
    assert (report.trigger_roundtrip, report.rounds) == (1.0, 10)
    assert "triggers changed by hand: 1" in report.notes[0]
    rows = [json.loads(line) for line in (tmp_path / "out" / "posts.jsonl").read_text().splitlines()]
    assert rows[2]["caption"].startswith(after[2].trigger)


def test_a_trigger_of_ones_own_has_to_fit_its_post(protect):
    def wrong(review):
        words = review.other_words(0).split()
        for trigger in ("one", "", " ".join([*words, "more"]), f"{words[0]} {words[1]} {words[0]}", f"{words[0]} a qz"):
            with pytest.raises(InputError):
                review.concepts_of(0, trigger)
        return {}

    protect(wrong)


def test_posts_that_share_a_trigger_change_it_together(posts, protect):
    shutil.copy(posts / "p5.png", posts / "p6.png")  # photos of one content have one trigger
    seen = []

    def change(review):
        seen.append([post.trigger for post in review.posts])
        return {5: review.other_words(5)} if len(seen) == 1 else {}

    protect(change)
    before, after = seen
    assert before[5] == before[6] != after[5] == after[6]


def test_what_is_given_up_or_fails_leaves_nothing(protect, tmp_path, monkeypatch):
    def give_up(review):
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        protect(give_up)
    monkeypatch.setattr(write, "measure_losses", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        protect(lambda review: {})
    monkeypatch.undo()
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.private").exists()


def test_a_taken_folder_is_refused_before_the_work(protect, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="out exists already"):
        protect(lambda review: 1 / 0)
    assert tree(tmp_path / "out") == {"mine.txt": b"mine"}
