"""What lies on the desk of the window, without a page: received, drafted, published, one thing at a time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.program import FILE
from tests.conftest import picture, tree
from unlearnable.app.desk import Desk, Stage, free_output
from unlearnable.app.pictures import file_of
from unlearnable.app.views.drafted import folder_of
from unlearnable.app.views.parts import address_of
from unlearnable.app.watch import Watch
from unlearnable.errors import InputError, Interrupted
from unlearnable.posts.name_styles import look_alike
from unlearnable.protect import draft, inbox, readback


@pytest.fixture
def desk(tmp_path, tiny_path, monkeypatch):
    (tmp_path / "quick.toml").write_text(FILE + f"max_rounds = 2\nsurrogate = {str(tiny_path)!r}\n")
    for name in ("work", "scratch"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    made = Desk(tmp_path / "scratch", tmp_path / "quick.toml")
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


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "mine").mkdir()
    for number in range(3):
        Image.fromarray(picture(number)).save(tmp_path / "mine" / f"p{number}.png")
    return sorted((tmp_path / "mine").iterdir())


@pytest.mark.parametrize(
    ("typed", "folder"),
    [(" /a/b ", Path("/a/b")), ("", Path()), ("~", Path.home()), ("~no-such-user/a", Path("~no-such-user/a"))],
)
def test_the_folder_that_is_typed(typed, folder):
    assert folder_of(typed) == folder


def test_fields_are_not_drawn_again_while_the_tool_looks_at_what_came(desk, photos, monkeypatch):
    looks, posts = threading.Event(), desk.inbox.posts
    monkeypatch.setattr(desk.inbox, "posts", lambda watch: (looks.wait(60), posts(watch))[1])
    place = desk.inbox.place("p0.png")
    shutil.copy(photos[0], place)
    before = desk.state
    desk.arrived(place)
    assert desk.looking
    assert not desk.away
    assert desk.state == before, "fields would lose what is being typed"
    looks.set()
    done(desk)
    assert not desk.looking
    assert desk.state != before


def test_an_export_is_read_protected_and_started_over(desk, posts, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in sorted(p for p in posts.rglob("*") if p.is_file()):
            archive.write(path, f"mine/{path.relative_to(posts)}")
    assert (desk.stage, desk.dataset, file_of(desk, 0, "received")) == (Stage.RECEIVED, None, None)
    drop(desk, tmp_path / "export.zip")
    assert desk.error == ""
    assert len(desk.dataset.photos) == 8
    assert desk.captions == {}
    assert any("captions from posts.jsonl" in note for note in desk.notes)
    assert file_of(desk, 0, "received").name == "p0.png"
    desk.start()
    assert desk.away
    done(desk)
    assert (desk.error, desk.stage, len(desk.posts)) == ("", Stage.DRAFTED, 8)
    assert list((tmp_path / "work").iterdir()) == []
    before, after = file_of(desk, 1, "before"), file_of(desk, 1, "after")
    assert (before.name, after.name) == ("1-before.png", "1-after.png")
    assert file_of(desk, 1, "after") == after
    assert [file_of(desk, 9, kind) for kind in ("received", "drafted", "before", "copy", "other")] == [None] * 5
    desk.output = tmp_path / "work" / "out"
    desk.publish()
    done(desk)
    assert (desk.error, desk.stage, desk.report.protected) == ("", Stage.PUBLISHED, 8)
    assert file_of(desk, 1, "copy").read_bytes() == after.read_bytes()
    assert "posts.jsonl" in tree(desk.output)
    desk.restart()
    assert (desk.stage, desk.dataset, desk.output.name) == (Stage.RECEIVED, None, "out-2")
    desk._thread.submit(int).result(timeout=60)
    assert tree(tmp_path / "scratch") == {}


def test_words_are_chosen_kept_and_bound(desk, photos):
    drop(desk, *photos)
    assert desk.captions == {"p0.png": "", "p1.png": "", "p2.png": ""}
    desk.captions["p0.png"] = "a dog on grass"
    desk.start()
    done(desk)
    first = desk.posts
    assert first[0].captions == (f"{first[0].trigger} a dog on grass",)
    desk.typed[2] = f" {first[2].trigger}"
    assert not desk.take_typed()
    desk.redraw(1)
    for typed in ("only two", ""):
        desk.typed[2] = typed
        with pytest.raises(InputError):
            desk.take_typed()
    desk.write_trigger(2, first[2].trigger)
    assert set(desk.wanted) == {1}
    chosen = desk.wanted[1]
    desk.change()
    done(desk)
    assert (desk.error, desk.wanted) == ("", {})
    assert [post.trigger for post in desk.posts] == [first[0].trigger, chosen, first[2].trigger]
    desk.back()
    assert (desk.stage, desk.captions["p0.png"], desk.posts) == (Stage.RECEIVED, "a dog on grass", [])


def test_a_window_opens_without_what_only_the_work_needs():
    code = "import sys, unlearnable.app.desk; print({'torch', 'open_clip', 'timm'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_names_are_in_disguise_where_that_is_ticked(desk, photos):
    assert desk.names == "keep"
    desk.names = "lookalike"
    drop(desk, *photos)
    desk.captions["p0.png"] = "lunch with Ada"
    desk.start()
    done(desk)
    assert desk.error == ""
    assert desk.posts[0].captions == (f"{desk.posts[0].trigger} lunch with {look_alike('Ada')}",)


def test_names_are_initials_where_they_are_given(desk, photos):
    desk.write_as_initials(("Ada",))
    drop(desk, *photos)
    desk.captions["p0.png"] = "lunch with Ada"
    desk.start()
    done(desk)
    assert desk.posts[0].captions == (f"{desk.posts[0].trigger} lunch with A.",)


def test_a_name_for_initials_that_no_caption_mentions_is_said(desk, photos):
    desk.write_as_initials(("Aida",))
    drop(desk, *photos)
    desk.captions["p0.png"] = "lunch with Ada"
    desk.start()
    done(desk)
    assert desk.error == "no caption mentions Aida. write the name as the captions do"


def test_noise_may_be_as_strong_as_is_chosen(desk, photos):
    assert desk.epsilon == 8
    desk.epsilon = 16
    drop(desk, *photos)
    desk.start()
    done(desk)
    desk.publish()
    done(desk)
    assert desk.error == ""
    settings = tomllib.loads((desk.output.with_name(f"{desk.output.name}.private") / "run.toml").read_text())
    assert settings["epsilon"] == 16


def test_what_is_pressed_twice_is_done_once(desk, photos):
    drop(desk, *photos)
    desk.start()
    desk.start()
    done(desk)
    assert (desk.error, desk.stage, desk._drafts) == ("", Stage.DRAFTED, 1)


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


def test_files_that_come_after_the_work_began_leave_the_draft_as_it_is(desk, photos):
    drop(desk, photos[0])
    desk.captions["p0.png"] = "a dog on grass"
    came = desk.inbox.place("p1.png")
    shutil.copy(photos[1], came)
    desk.start()
    desk.arrived(came)  # it is there when the work begins, and taken in then or left for later
    done(desk)
    drafted = len(desk.posts)
    drop(desk, photos[2])
    assert (desk.error, desk.stage, desk.late) == ("", Stage.DRAFTED, True)
    desk.publish()
    done(desk)
    assert (desk.error, desk.stage, desk.report.protected) == ("", Stage.PUBLISHED, drafted)
    assert "a dog on grass" in (desk.output / "captions.jsonl").read_text()


def test_files_that_came_late_are_taken_in_on_the_way_back(desk, photos):
    drop(desk, photos[0])
    desk.captions["p0.png"] = "a dog on grass"
    desk.start()
    done(desk)
    drop(desk, photos[1])
    assert (len(desk.posts), desk.late) == (1, True)
    desk.back()
    done(desk)
    assert (desk.captions, desk.late) == ({"p0.png": "a dog on grass", "p1.png": ""}, False)


def test_a_file_that_cannot_be_written_is_said(desk, photos):
    desk.failed("p1.png", "No space left on device")
    desk.failed("p2.png", "No space left on device")
    drop(desk, *photos[:2])
    assert desk.lost == {"p2.png": "p2.png was not taken: No space left on device"}
    desk.start()
    assert desk.lost == {}
    done(desk)  # to be stopped anywhere, as at the end of a test, may leave what warns of it


def test_typed_captions_are_kept_while_more_arrives_and_said_to_be_unused_where_captions_come(desk, photos, tmp_path):
    drop(desk, *photos[:2])
    desk.captions["p0.png"] = "mine"
    drop(desk, photos[2])
    assert desk.captions == {"p0.png": "mine", "p1.png": "", "p2.png": ""}
    desk.start()
    done(desk)
    desk.back()
    (tmp_path / "posts.csv").write_text("image,caption\np0.png,of the file\n")
    drop(desk, tmp_path / "posts.csv")
    assert desk.error == ""
    assert desk.dataset.captions_by_photo()["p0.png"] == ["of the file"]
    assert any("those that you typed are not used" in note for note in desk.notes)


def test_another_photo_of_the_same_number_has_another_address(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"")
    first, second = (address_of(0, "received", tmp_path / name) for name in ("a", "b"))
    assert first != second
    assert first == address_of(0, "received", tmp_path / "a")
    assert address_of(0, "received", tmp_path / "gone") == "photos/0/received"


def test_there_is_something_to_remove_once_anything_came(desk, photos, tmp_path):
    assert not desk.holds
    (tmp_path / "notes.pdf").write_bytes(b"no photo")
    drop(desk, tmp_path / "notes.pdf")
    assert desk.holds
    desk.restart()
    assert not desk.holds
    desk.failed("p0.png", "it did not arrive")
    assert desk.holds
    desk.restart()
    drop(desk, *photos)
    assert desk.holds


def test_what_fails_is_said_and_loses_nothing(desk, photos, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    drop(desk, tmp_path / "broken.zip")
    assert desk.lost["broken.zip"].startswith("broken.zip cannot be unpacked")
    drop(desk, *photos)
    assert (desk.error, len(desk.lost), len(desk.dataset.photos)) == ("", 1, 3)
    desk.output = tmp_path / "work" / "taken"
    desk.output.mkdir()
    (desk.output / "mine.txt").write_text("mine")
    desk.start()
    done(desk)
    assert (desk.error, desk.stage) == ("", Stage.DRAFTED)  # whose view has the field to name another folder
    desk.publish()
    done(desk)
    assert desk.error.endswith("taken exists already. choose another folder")
    assert (desk.stage, tree(desk.output)) == (Stage.DRAFTED, {"mine.txt": b"mine"})
    desk.output = tmp_path / "work" / "free"
    desk.publish()
    done(desk)
    assert (desk.error, desk.stage) == ("", Stage.PUBLISHED)
    assert str(desk.output) in (tmp_path / "work" / "free.private" / "run.toml").read_text()


def test_posts_that_would_hardly_be_protected_have_a_remedy_of_the_window(desk, photos, monkeypatch):
    drop(desk, *photos)
    desk.start()
    done(desk)
    monkeypatch.setattr(readback, "CLEARLY", 0.0)
    desk.publish()
    done(desk)
    assert "would hardly be protected" in desk.error
    assert desk.error.endswith(". go back to the captions, and choose another amount of work")
    desk.back()
    assert desk.stage is Stage.RECEIVED


def test_a_zip_that_cannot_be_unpacked_holds_up_nothing_that_came_with_it(desk, photos, tmp_path, monkeypatch):
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.write(photos[0], "mine/p0.png")
    with monkeypatch.context() as held:
        held.setattr(desk, "_look_if_any", lambda: None)  # as while it looks at what came before
        for path in (tmp_path / "broken.zip", tmp_path / "whole.zip", photos[1]):
            shutil.copy(path, place := desk.inbox.place(path.name))
            desk.arrived(place)
    desk._look_if_any()
    done(desk)
    assert list(desk.lost) == ["broken.zip"]
    assert [photo.id for photo in desk.dataset.photos] == ["p0.png", "p1.png"]


def test_the_folder_of_what_came_is_not_named(desk, tmp_path):
    (tmp_path / "clip.mov").write_bytes(b"film")
    drop(desk, tmp_path / "clip.mov")
    assert desk.error.startswith("no photo in what came. photos are files with one of these suffixes")
    (tmp_path / "zero.jpg").write_bytes(b"")
    drop(desk, tmp_path / "zero.jpg")
    desk.start()
    done(desk)
    assert desk.error == "no photo in what came can be protected; zero.jpg: empty (the file has no bytes)."


def test_a_folder_that_cannot_be_written_to_is_refused_with_a_remedy_of_the_window(desk, photos, tmp_path):
    drop(desk, *photos)
    desk.start()
    done(desk)
    (tmp_path / "work" / "file").write_text("mine")
    for name, reason in (
        ("file/out", "Not a directory. choose another folder, in a folder that can be written"),
        ("x" * 250, "is too long. choose a shorter folder"),
    ):
        desk.output = tmp_path / "work" / name
        desk.publish()
        done(desk)
        assert desk.error.endswith(reason)
        assert desk.stage is Stage.DRAFTED


def test_two_kinds_of_captions_are_refused_with_a_remedy_of_the_window(desk, photos, tmp_path):
    for name in ("posts.csv", "others.csv"):
        (tmp_path / name).write_text("image,caption\np0.png,a dog\n")
    drop(desk, photos[0], tmp_path / "posts.csv", tmp_path / "others.csv")
    assert "holds several caption files: others.csv, posts.csv. remove them all, and drop" in desk.error
    assert "--" not in desk.error


def test_a_full_disk_is_no_bug(desk, photos, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", "export.zip")

    monkeypatch.setattr(inbox.Inbox, "posts", full)
    drop(desk, *photos)
    assert desk.error == "cannot write export.zip: the disk is full. free some space on it, and try again"
    assert capsys.readouterr().err == ""


def test_too_little_memory_is_no_bug(desk, photos, monkeypatch, capsys):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(inbox.Inbox, "posts", full)
    drop(desk, *photos)
    remedy = "close other programs, or go back to the captions, and choose less work"
    assert desk.error == f"there is too little memory (MemoryError). {remedy}"
    assert capsys.readouterr().err == ""


def test_a_bug_is_said_too(desk, photos, monkeypatch, capsys):
    monkeypatch.setattr(inbox.Inbox, "posts", lambda *_: 1 / 0)
    drop(desk, *photos)
    assert desk.error == "This is a bug: ZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_work_stops_when_the_user_says_so(desk, photos, monkeypatch):
    drop(desk, *photos)
    reached = threading.Event()

    def slow(settings, scratch, progress):
        reached.set()
        while True:
            progress.advance()

    monkeypatch.setattr(draft, "draft", slow)
    desk.start()
    assert reached.wait(120)
    desk.stop()
    done(desk)
    assert (desk.error, desk.stage, desk.away) == ("", Stage.RECEIVED, False)


def test_the_end_of_the_window_breaks_a_batch_off(desk, photos, monkeypatch, capsys):
    drop(desk, *photos)
    began, ended = threading.Event(), []

    def batch(settings, scratch, progress):
        began.set()
        until = time.monotonic() + 30
        while time.monotonic() < until:  # a batch, within which nothing is reported
            time.sleep(0.01)
        ended.append("its end")

    monkeypatch.setattr(draft, "draft", batch)
    desk.start()
    assert began.wait(120)
    desk.close()
    assert (desk.error, ended, capsys.readouterr().err) == ("", [], "")


def test_work_that_outlives_its_folder_says_nothing(desk, photos, monkeypatch, capsys):
    drop(desk, *photos)
    began = threading.Event()

    def slow(settings, scratch, progress):
        began.set()
        while progress.doing != "stopping":
            pass
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(draft, "draft", slow)
    desk.start()
    assert began.wait(120)
    desk.close()
    assert (desk.error, capsys.readouterr().err) == ("", "")


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


def test_a_free_folder_is_proposed(tmp_path):
    wanted = tmp_path / "posts-protected"
    assert free_output(wanted) == wanted
    wanted.mkdir()
    (tmp_path / "posts-protected-2.private").mkdir()
    assert free_output(wanted) == tmp_path / "posts-protected-3"
