"""Photos that change or go while a run is under way are left out and named; the others are published."""

from __future__ import annotations

import json
import os
import signal

import pytest
from PIL import Image

from tests.cli.program import call
from tests.conftest import picture, tree
from tests.protect.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import CheckpointError, InputError
from unlearnable.protect import photo, publish, readback
from unlearnable.protect import run as workflow
from unlearnable.protect.photo import target_of
from unlearnable.protect.posts import open_posts
from unlearnable.storage.progress import Silent

CHANGED = "changed-while-running"


def replace(path, number=30):
    Image.fromarray(picture(number)).save(path)


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something to the photos after the work on them and before they are written."""

    def after(change):
        monkeypatch.setattr(publish, "refuse_without_noise", lambda *_: change())

    return after


def test_what_changed_or_went_is_left_out_named_and_exits_3(posts, quick_options, meanwhile, tmp_path):
    def change():
        replace(posts / "p2.png")
        (posts / "p3.png").unlink(missing_ok=True)
        (posts / "p4.png").write_bytes(b"no photo")

    meanwhile(change)
    result = call("protect", posts, "--json", *quick_options)
    assert result.returncode == 3
    report = json.loads(result.stdout)
    gone = {"p2.png", "p3.png", "p4.png"}
    assert (report["protected"], report["photos"], report["captions"]) == (5, 8, 5)
    assert {one["where"]: one["reason"] for one in report["skipped"]} == dict.fromkeys(gone, CHANGED)
    output = tmp_path / "photos-protected"
    assert gone.isdisjoint(tree(output))
    for name, key in (("posts.jsonl", "image"), ("metadata.jsonl", "file_name")):
        rows = {json.loads(row)[key] for row in (output / name).read_text().splitlines()}
        assert rows == set(tree(output)) - {"posts.jsonl", "metadata.jsonl"}
    lines = (tmp_path / "photos-protected.private" / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["protected"] * 5 + ["skipped"] * 3
    shown = call("protect", posts, "--overwrite", *quick_options)
    assert shown.returncode == 0


@pytest.fixture
def quick_options(tiny_path, tmp_path):
    file = tmp_path / "at_once.toml"
    file.write_text("".join(f"{name} = {value}\n" for name, value in QUICK.items()))
    return ("--surrogate", tiny_path, "--config", file)


def test_a_photo_that_changes_while_it_is_read_is_left_out(posts, at_once, monkeypatch):
    def read(path, settings):
        target = target_of(path, settings)
        if path.name == "p1.png":
            replace(path)
        return target

    monkeypatch.setattr(photo, "target_of", read)
    report = protect(posts, **at_once)
    assert {one.where: one.reason for one in report.skipped} == {"p1.png": CHANGED}


def test_a_photo_that_goes_after_its_copy_is_written_is_published(posts, at_once, monkeypatch):
    for number in range(3):
        replace(posts / f"j{number}.jpg", number)
    genuine = readback.measure_losses

    def measure(*rest):
        (posts / "j1.jpg").unlink()
        return genuine(*rest)

    monkeypatch.setattr(publish, "measure_losses", measure)
    assert protect(posts, **at_once).protected == 11


def test_where_all_change_nothing_is_published(posts, at_once, meanwhile, tmp_path):
    meanwhile(lambda: [replace(path) for path in posts.rglob("*.png")])
    with pytest.raises(InputError, match=CHANGED):
        protect(posts, **at_once)
    assert not (tmp_path / "photos-protected").exists()


@pytest.mark.parametrize("new", [0, 1])
def test_what_was_away_for_a_while_is_added_later_and_what_is_gone_does_not_count(
    posts, quick_options, tmp_path, monkeypatch, new
):
    def go():
        (posts / "p2.png").rename(tmp_path / "p2.png")
        (posts / "p3.png").unlink()

    with monkeypatch.context() as patch:
        patch.setattr(publish, "refuse_without_noise", lambda *_: go())
        assert call("protect", posts, *quick_options).returncode == 3
    if new:
        replace(posts / "new.png")
    result = call("protect", posts, "--add", "--json", *quick_options)
    assert (result.returncode, CHANGED in result.stdout) == (0, False)
    (tmp_path / "p2.png").rename(posts / "p2.png")
    result = call("protect", posts, "--add", "--json", *quick_options)
    report = json.loads(result.stdout)
    assert (result.returncode, report["added"], report["photos"], CHANGED in result.stdout) == (0, 1, 7 + new, False)
    assert "p2.png" in tree(tmp_path / "photos-protected")


def test_other_settings_captions_or_new_photos_are_not_taken_for_changed_photos(posts, at_once, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "optimise", stop)
    with pytest.raises(KeyboardInterrupt):
        protect(posts, **at_once)
    (posts / "p2.png").unlink()
    with pytest.raises(CheckpointError):
        protect(posts, resume=True, seed=1, **at_once)
    replace(posts / "new.png")
    with pytest.raises(CheckpointError):
        protect(posts, resume=True, **at_once)


class Watched(Silent):
    """Does something once all photos are read."""

    def __init__(self, change):
        self.change, self.left = change, 0

    def phase(self, name, total):
        self.left = total if name == "reading photos" else 0

    def advance(self, steps=1, **metrics):
        self.left -= steps
        if not self.left:
            self.change()


def test_a_photo_that_goes_before_the_space_is_checked_is_left_out(posts, at_once):
    Image.fromarray(picture(30)).save(posts / "photo.jpg")
    report = protect(posts, **at_once, progress=Watched((posts / "photo.jpg").unlink))
    assert {one.where: one.reason for one in report.skipped} == {"photo.jpg": CHANGED}


def test_a_photo_that_goes_while_its_copy_is_written_is_published(posts, at_once, tmp_path, monkeypatch):
    def write_and_remove(target, noise, path, *more):
        (posts / path.name).unlink(missing_ok=True)
        return write(target, noise, path, *more)

    write = photo.write
    size = (posts / "p2.png").stat().st_size
    monkeypatch.setattr(photo, "write", write_and_remove)
    assert protect(posts, **at_once).protected == 8
    manifest = tmp_path / "photos-protected.private" / "manifest.jsonl"
    assert [
        line["bytes_in"] for line in map(json.loads, manifest.read_text().splitlines()) if line["source"] == "p2.png"
    ] == [size]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a pipe, of POSIX")
@pytest.mark.parametrize("become", ["mkfifo", "mkdir"])
@pytest.mark.parametrize("stage", ["found", "read"])
def test_a_photo_that_becomes_a_pipe_or_a_folder_is_left_out_and_not_waited_for(
    posts, at_once, meanwhile, monkeypatch, become, stage
):
    def change(*_):
        (posts / "p1.png").unlink()
        getattr(os, become)(posts / "p1.png")

    def open_then_change(*arguments):
        dataset = open_posts(*arguments)
        change()
        return dataset

    if stage == "found":
        monkeypatch.setattr(workflow, "open_posts", open_then_change)
    else:
        meanwhile(change)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(120)  # a wait ends as an interruption
    try:
        report = protect(posts, **at_once)
    finally:
        signal.alarm(0)
    assert [one.where for one in report.skipped] == ["p1.png"]
    assert "p1.png" not in tree(posts.with_name("photos-protected"))
