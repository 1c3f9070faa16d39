"""What lies on the desk of the window, without a page: received, drafted, published, one thing at a time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from PIL import Image

from tests.conftest import picture, tree
from tests.presets import preset
from unlearnable.app import inbox
from unlearnable.app.desk import Desk, Stage, Watch
from unlearnable.app.page import folder_of, initials_of
from unlearnable.errors import InputError, Interrupted
from unlearnable.protect import run, write


@pytest.fixture
def desk(tmp_path, tiny_path, monkeypatch):
    for name in ("work", "scratch"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    made = Desk(tmp_path / "scratch", {"preset": preset(), "surrogate": str(tiny_path)})
    yield made
    made.close()


def drop(desk, *paths):
    """Drop files, and wait until they were looked at."""
    for path in paths:
        place = desk.inbox.place(path.name)
        shutil.copy(path, place)
        desk.arrived(place)
    done(desk)


def done(desk):
    desk._last.result(timeout=240)


def reviewed(desk):
    """Start the work, or go on with it, and wait until the posts may be looked at, or it ended."""
    until = time.monotonic() + 240
    while desk.away and time.monotonic() < until:
        time.sleep(0.02)
    assert not desk.away


def given_up(desk):
    """Return to the captions, and wait until the work is over."""
    desk.back()
    until = time.monotonic() + 60
    while desk.busy and time.monotonic() < until:
        time.sleep(0.02)


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "mine").mkdir()
    for number in range(3):
        Image.fromarray(picture(number)).save(tmp_path / "mine" / f"p{number}.png")
    return sorted((tmp_path / "mine").iterdir())


@pytest.mark.parametrize(("module", "heavy"), [("app.desk", "torch"), ("protect.run", "transformers")])
def test_a_window_and_a_dry_run_start_without_what_only_the_work_needs(module, heavy):
    code = f"import sys, unlearnable.{module}; print({{'{heavy}', 'open_clip', 'timm'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_what_is_removed_while_the_tool_looks_at_it_does_not_come_back(desk, photos, monkeypatch):
    looks, posts = threading.Event(), desk.inbox.posts
    monkeypatch.setattr(desk.inbox, "posts", lambda watch: (looks.wait(60), posts(watch))[1])
    place = desk.inbox.place("p0.png")
    shutil.copy(photos[0], place)
    desk.arrived(place)
    desk.restart()
    looks.set()
    drop(desk, photos[1])
    desk.arrived(place)  # it was still on its way
    done(desk)
    assert (desk.error, [photo.id for photo in desk.dataset.photos]) == ("", ["p1.png"])
    assert not place.exists()


def test_a_file_that_cannot_be_written_is_said(desk, photos):
    desk.failed("p1.png", "No space left on device")
    desk.failed("p2.png", "No space left on device")
    drop(desk, *photos[:2])
    assert desk.lost == {"p2.png": "p2.png was not taken: No space left on device"}
    desk.start()
    assert desk.lost == {}
    reviewed(desk)  # to be stopped anywhere, as at the end of a test, may leave what warns of it


def test_typed_captions_are_kept_while_more_arrives_and_said_to_be_unused_where_captions_come(desk, photos, tmp_path):
    drop(desk, *photos[:2])
    desk.captions["p0.png"] = "mine"
    drop(desk, photos[2])
    assert desk.captions == {"p0.png": "mine", "p1.png": "", "p2.png": ""}
    desk.start()
    reviewed(desk)
    given_up(desk)
    (tmp_path / "posts.csv").write_text("image,caption\np0.png,of the file\n")
    drop(desk, tmp_path / "posts.csv")
    assert desk.error == ""
    assert desk.dataset.captions_by_photo()["p0.png"] == ["of the file"]
    assert any("those that you typed are not used" in note for note in desk.notes)


def test_two_kinds_of_captions_are_refused_with_a_remedy_of_the_window(desk, photos, tmp_path):
    for name in ("posts.csv", "others.csv"):
        (tmp_path / name).write_text("image,caption\np0.png,a dog\n")
    drop(desk, photos[0], tmp_path / "posts.csv", tmp_path / "others.csv")
    assert "holds several caption files: others.csv, posts.csv. remove them all, and drop" in desk.error
    assert "--" not in desk.error


def test_a_full_disk_is_no_bug_and_a_bug_is_said_to_be_one(desk, photos, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", "export.zip")

    monkeypatch.setattr(inbox.Inbox, "posts", full)
    drop(desk, *photos)
    assert desk.error == "cannot write export.zip: the disk is full. free some space on it, and try again"
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(inbox.Inbox, "posts", lambda *_: 1 / 0)
    drop(desk, *photos)
    assert desk.error == "This is a bug: ZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_work_stops_when_the_user_says_so(desk, photos, monkeypatch):
    drop(desk, *photos)
    reached = threading.Event()

    def slow(settings, progress, review):
        reached.set()
        while True:
            progress.advance()

    monkeypatch.setattr(run, "protect", slow)
    desk.start()
    assert reached.wait(120)
    desk.stop()
    done(desk)
    assert (desk.error, desk.stage, desk.away) == ("", Stage.RECEIVED, False)


def test_the_end_of_the_window_breaks_a_batch_off(desk, photos, monkeypatch, capsys):
    drop(desk, *photos)
    began, ended = threading.Event(), []

    def batch(settings, progress, review):
        began.set()
        until = time.monotonic() + 30
        while time.monotonic() < until:  # a batch, within which nothing is reported
            time.sleep(0.01)
        ended.append("its end")

    monkeypatch.setattr(run, "protect", batch)
    desk.start()
    assert began.wait(120)
    desk.close()
    assert (desk.error, ended, capsys.readouterr().err) == ("", [], "")


def test_a_watch_shows_the_share_of_the_phase():
    watch = Watch()
    assert watch.share == 0.0
    watch.phase("reading", 4)
    watch.advance(1)
    assert watch.share == 0.25
    watch.note("58 of 60 photos have a caption of yours")
    assert watch.notes == ["58 of 60 photos have a caption of yours"]
    watch.stop()
    assert watch.doing == "stopping"
    for report in (lambda: watch.phase("writing", 1), watch.advance):
        with pytest.raises(Interrupted):
            report()


def test_an_export_is_read_protected_and_started_over(desk, posts, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in sorted(p for p in posts.rglob("*") if p.is_file()):
            archive.write(path, f"mine/{path.relative_to(posts)}")
    assert (desk.stage, desk.dataset, desk.file(0, "received")) == (Stage.RECEIVED, None, None)
    drop(desk, tmp_path / "export.zip")
    assert desk.error == ""
    assert len(desk.dataset.photos) == 8
    assert any("captions from posts.jsonl" in note for note in desk.notes)
    assert desk.file(0, "received").name == "p0.png"
    (tmp_path / "work" / "out-2.private").mkdir()
    desk.chosen["output"] = folder_of(f" {tmp_path / 'work' / 'out'} ")
    desk.start()
    desk.start()  # a second press
    assert desk.away
    reviewed(desk)
    assert (desk.error, desk.stage, len(desk.posts)) == ("", Stage.REVIEWED, 8)
    assert not desk.chosen["output"].exists()
    before, after = desk.file(1, "before"), desk.file(1, "after")
    assert (before.name, after.name) == ("1-before.png", "1-after.png")
    assert desk.file(1, "after") == after
    shown = after.read_bytes()
    assert [desk.file(9, kind) for kind in ("received", "original", "before", "copy", "other")] == [None] * 5
    desk.confirm()
    desk.confirm()
    done(desk)
    assert (desk.error, desk.stage, desk.report.protected) == ("", Stage.PUBLISHED, 8)
    assert desk.file(1, "copy").read_bytes() == shown
    assert "posts.jsonl" in tree(desk.chosen["output"])
    desk.restart()
    assert (desk.stage, desk.dataset, desk.chosen["output"].name) == (Stage.RECEIVED, None, "out-3")
    desk._thread.submit(int).result(timeout=60)
    assert tree(tmp_path / "scratch") == {}


def test_words_are_changed_and_the_noise_is_made_for_them(desk, photos, tmp_path):
    desk.chosen |= initials_of("Ada, ")
    drop(desk, *photos)
    assert desk.captions == {"p0.png": "", "p1.png": "", "p2.png": ""}
    desk.captions["p0.png"] = "lunch with Ada"
    desk.start()
    reviewed(desk)
    first = desk.posts
    assert first[0].captions == (f"{first[0].trigger} lunch with A.",)
    desk.redraw(1)
    for typed in ("only two", ""):
        desk.words[2] = typed
        with pytest.raises(InputError):
            desk.confirm()
    desk.words[2] = f" {first[2].trigger} "
    assert set(desk.changed) == {1}
    chosen = desk.words[1]
    desk.confirm()
    reviewed(desk)
    assert (desk.error, desk.changed) == ("", {})
    assert [post.trigger for post in desk.posts] == [first[0].trigger, chosen, first[2].trigger]
    given_up(desk)
    assert (desk.stage, desk.captions["p0.png"], desk.posts) == (Stage.RECEIVED, "lunch with Ada", [])
    assert list((tmp_path / "work").iterdir()) == []


def test_files_that_come_during_a_review_are_taken_in_on_the_way_back(desk, photos):
    drop(desk, photos[0])
    desk.captions["p0.png"] = "a dog on grass"
    desk.start()
    reviewed(desk)
    place = desk.inbox.place(photos[1].name)
    shutil.copy(photos[1], place)
    desk.arrived(place)
    assert (len(desk.posts), desk.stage, desk.late) == (1, Stage.REVIEWED, True)
    given_up(desk)
    assert (desk.captions, desk.late) == ({"p0.png": "a dog on grass", "p1.png": ""}, False)


def test_what_fails_is_said_with_a_remedy_of_the_window_and_loses_nothing(desk, photos, tmp_path, monkeypatch):
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    drop(desk, tmp_path / "broken.zip")
    assert desk.lost["broken.zip"].startswith("broken.zip cannot be unpacked")
    drop(desk, *photos)
    assert (desk.error, len(desk.lost), len(desk.dataset.photos)) == ("", 1, 3)
    work = tmp_path / "work"
    (work / "taken").mkdir()
    (work / "taken" / "mine.txt").write_text("mine")
    for name, reason in (
        ("taken", "taken exists already. choose another folder"),
        ("taken/mine.txt/out", "Not a directory. choose another folder, in a folder that can be written"),
    ):
        desk.chosen["output"] = work / name
        desk.start()
        reviewed(desk)
        assert desk.error.endswith(reason)
        assert (desk.stage, tree(work / "taken")) == (Stage.RECEIVED, {"mine.txt": b"mine"})
    desk.chosen["output"] = work / "free"
    with monkeypatch.context() as held:
        held.setattr(write, "CLEARLY", 0.0)
        desk.start()
        reviewed(desk)
        desk.confirm()
        done(desk)
    assert "would hardly be protected" in desk.error
    assert desk.error.endswith("choose another amount of work")
    assert (desk.stage, (work / "free").exists()) == (Stage.RECEIVED, False)
    desk.start()
    reviewed(desk)
    desk.confirm()
    done(desk)
    assert (desk.error, desk.stage) == ("", Stage.PUBLISHED)
