"""`protect --add`: next week's photos beside those of last week, on the tiny encoder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture, tree
from tests.protect.conftest import QUICK, manifest
from unlearnable import protect
from unlearnable.errors import CheckpointError, ConfigError, InputError, OutputError
from unlearnable.posts import open_dataset
from unlearnable.protect import add as adding, publish
from unlearnable.protect.records import check
from unlearnable.verify.copies import match


@pytest.fixture(scope="module")
def protected_once(tiny_path, tmp_path_factory):
    """A folder with eight posts and what protecting them wrote."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("UNLEARNABLE_STATE", str(tmp_path_factory.mktemp("history")))
        take(Path("photos"), range(8), name="p{}.png", first=0)
        protect("photos", method="random", surrogate=(str(tiny_path),))
    return folder


@pytest.fixture
def posts(tmp_path):
    folder = tmp_path / "photos"
    take(folder, range(8), name="p{}.png", first=0)
    return folder


@pytest.fixture
def last_week(protected_once, posts, tmp_path, monkeypatch):
    """The eight posts, protected, in the working directory."""
    shutil.copytree(protected_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def optimised(posts, quick, tmp_path, monkeypatch):
    """The eight posts, protected by MEM, in the working directory."""
    monkeypatch.chdir(tmp_path)
    protect("photos", **quick)


def take(folder, numbers, rows=True, name="n{}.png", first=100):
    """Put photos into a folder, and their captions at the end of its posts.jsonl."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        Image.fromarray(picture(first + number)).save(folder / name.format(number))
    if rows:
        with (folder / "posts.jsonl").open("a") as file:
            for n in numbers:
                file.write(json.dumps({"id": n, "image": name.format(n), "caption": f"a new day {n}"}) + "\n")


def rows(path):
    return [json.loads(row) for row in path.read_text().splitlines()]


def captions_of(output):
    return {row["file_name"]: row["text"] for row in rows(output / "metadata.jsonl")}


def without_texts(files):
    return {name: data for name, data in files.items() if not name.endswith(".jsonl")}


def test_a_surrogate_that_is_a_file_is_found_from_another_folder(posts, at_once, tiny_path, tmp_path, monkeypatch):
    shutil.copy(tiny_path, tmp_path / "tiny.safetensors")
    monkeypatch.chdir(tmp_path)
    protect(posts, output="out", **at_once | {"surrogate": "tiny.safetensors"})
    take(posts, range(2))
    monkeypatch.chdir(posts)
    assert protect(posts, output=tmp_path / "out", add=True).added == 2


@pytest.mark.parametrize("take_along", [shutil.copytree, shutil.move])
def test_captions_of_a_copied_or_moved_folder_are_its_own(posts, at_once, tmp_path, monkeypatch, take_along):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    posts.rename(here / "photos")
    monkeypatch.chdir(here)
    protect("photos", captions="photos/posts.jsonl", **at_once)
    take_along(here, there)
    monkeypatch.chdir(there)
    take(there / "photos", range(2))
    assert protect("photos", add=True, **at_once).added == 2
    assert (there / "photos-protected" / "posts.jsonl").read_text().count("a new day") == 8 + 2


def test_new_photos_stand_beside_the_earlier_ones_which_stay_to_the_byte(optimised, posts, tmp_path):
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    before, was, toml = tree(output), manifest(private), (private / "run.toml").read_bytes()
    take(posts, range(3))
    originals = tree(posts)
    report = protect(posts, add=True)
    after = tree(output)
    assert tree(posts) == originals
    assert {name: after[name] for name in without_texts(before)} == without_texts(before)
    assert set(after) - set(before) == {"n0.png", "n1.png", "n2.png"}
    lines = manifest(private)
    assert lines[:8] == was
    assert [line["source"] for line in lines[8:]] == ["n0.png", "n1.png", "n2.png"]
    assert (report.added, report.protected, report.photos, report.captions) == (3, 11, 11, 11)
    assert report.trigger_roundtrip == 1.0
    assert report.notes[0] == "3 photos were added to the 8 of before, whose files are as they were"
    assert (private / "run.toml").read_bytes() == toml
    written = rows(output / "posts.jsonl")
    assert [row["image"] for row in written] == [line["output"] for line in lines]
    assert [row["caption"] for row in written] == [line["captions"][0] for line in lines]
    assert captions_of(output) == {line["output"]: line["captions"][0] for line in lines}
    assert check(output).problems == []
    assert not (private / "earlier").exists()
    for line in lines[8:]:
        changed = np.asarray(Image.open(output / line["output"])).astype(int) - np.asarray(
            Image.open(posts / line["source"])
        )
        assert 0 < np.abs(changed).max() <= 8
        assert len(line["trigger"].split()) == 3


def test_nothing_to_add_writes_nothing(last_week, posts, tmp_path):
    before, private = tree(tmp_path), tmp_path / "photos-protected.private"
    times = {path: path.stat().st_mtime_ns for path in private.iterdir()}
    report = protect(posts, add=True)
    assert (report.added, report.protected) == (0, 8)
    assert tree(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in private.iterdir()} == times


def test_known_content_and_changed_photos_are_listed_and_left_out(last_week, posts):
    shutil.copy(posts / "p0.png", posts / "again.png")
    Image.fromarray(picture(50)).save(posts / "p1.png")
    take(posts, [0])
    for added in (1, 0):
        report = protect(posts, add=True)
        assert report.added == added
        assert {one.where: one.reason for one in report.skipped} == {"p1.png": "changed-since"}


def test_what_was_left_out_is_tried_again_once_it_has_changed(posts, at_once):
    (posts / "broken.png").write_bytes(b"no photo")
    assert [one.where for one in protect(posts, **at_once).skipped] == ["broken.png"]
    assert protect(posts, add=True).added == 0
    Image.fromarray(picture(60)).save(posts / "broken.png")
    report = protect(posts, add=True)
    assert (report.added, report.skipped, report.photos) == (1, [], 9)


@pytest.mark.parametrize("setting", [{"epsilon": 4}, {"preset": "fast"}])
def test_a_contradicting_setting_is_named(last_week, posts, setting, tmp_path):
    take(posts, [0])
    before = tree(tmp_path)
    with pytest.raises(ConfigError, match=next(iter(setting))):
        protect(posts, add=True, **setting)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("other", [{"resume": True}, {"overwrite": True}])
def test_it_excludes_its_kin(last_week, posts, other):
    with pytest.raises(ConfigError, match="exclude each other"):
        protect(posts, add=True, **other)


def test_without_an_earlier_result_it_says_so(posts, at_once, tmp_path):
    with pytest.raises(OutputError, match="no earlier result"):
        protect(posts, add=True, **at_once)
    assert not list(tmp_path.glob("*protected*"))


def damage(output, private, how):
    paths = {"photo": output / "p3.png", "captions": output / "posts.jsonl", "manifest": private / "manifest.jsonl"}
    if how == "missing":
        (output / "p2.png").unlink()
    else:
        paths[how].write_bytes(paths[how].read_bytes()[:-9] + b"x" * 9)


@pytest.mark.parametrize("how", ["photo", "captions", "missing", "manifest"])
def test_a_damaged_result_is_not_added_to(last_week, posts, tmp_path, how):
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    damage(output, private, how)
    take(posts, [0])
    before = tree(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        protect(posts, add=True)
    assert caught.value.exit_code == 6
    assert "\n" not in caught.value.message
    assert tree(tmp_path) == before


@pytest.mark.parametrize("emptied", ["manifest.jsonl", "SHA256SUMS"])
def test_lists_that_are_emptied_without_a_checksum_are_not_believed(last_week, posts, tmp_path, emptied):
    private = tmp_path / "photos-protected.private"
    (private / emptied).write_text("")
    take(posts, [0])
    before = tree(tmp_path)
    with pytest.raises(CheckpointError, match="lacks photos"):
        protect(posts, add=True)
    assert tree(tmp_path) == before


def test_single_photos_of_the_folder(last_week, posts, tmp_path):
    take(posts, range(3))
    report = protect([posts / "n1.png"], add=True)
    assert (report.added, report.some_photos) == (1, True)
    written = rows(tmp_path / "photos-protected" / "posts.jsonl")
    assert [row["image"] for row in written][-2:] == [
        "p7.png",
        "n1.png",
    ]
    assert protect(posts, add=True).added == 2


def test_the_originals_of_last_week_may_be_gone(last_week, posts, tmp_path):
    output = tmp_path / "photos-protected"
    shutil.rmtree(posts)
    take(posts, [5])
    assert protect(posts, add=True).protected == 9
    assert len(rows(output / "posts.jsonl")) == len(captions_of(output)) == 9


@pytest.mark.parametrize(
    ("name", "text", "grows"),
    [
        ("posts.csv", "image,caption\n{0},caption {1}\n", True),
        ("data.json", '{{"images": [{{"filename": "{0}", "sentences": [{{"raw": "caption {1}"}}]}}]}}', False),
    ],
)
def test_captions_are_appended_where_the_file_can_be_continued(posts, at_once, tmp_path, name, text, grows):
    (posts / "posts.jsonl").unlink()
    (posts / name).write_text(text.format("p0.png", "one"))
    protect(posts, **at_once)
    output = tmp_path / "photos-protected"
    before = (output / name).read_bytes()
    take(posts, [1], rows=False)
    (posts / name).write_text(text.format("n1.png", "two"))
    report = protect(posts, add=True)
    after = (output / name).read_bytes()
    assert after.startswith(before)
    assert (b"two" in after, any(name in note for note in report.notes)) == (grows, not grows)
    assert "two" in captions_of(output)["n1.png"]
    assert len(captions_of(output)) == 9
    assert check(output).problems == []


@pytest.mark.parametrize("captions", ["people", None])
def test_faces_and_photos_of_another_folder_are_not_added(posts, at_once, tmp_path, captions):
    for n in range(8):
        (posts / f"someone{n % 2}").mkdir(exist_ok=True)
        (posts / f"p{n}.png").rename(posts / f"someone{n % 2}" / f"p{n}.png")
    protect(posts, captions=captions, **at_once)
    take(tmp_path / "camera", range(2), name="p{}.png")
    photos = posts if captions else tmp_path / "camera"
    with pytest.raises(ConfigError):
        protect(photos, add=True, output=None if captions else tmp_path / "photos-protected")


class Killed(BaseException):
    pass


@pytest.mark.parametrize("place", ["optimise", "put_in_place", "swap", "records", "clear"])
def test_a_stopped_one_goes_on_by_the_same_call_to_the_same_bytes(optimised, posts, tmp_path, monkeypatch, place):
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    take(posts, range(3))
    kept = tmp_path / "kept"
    for folder in (output, private):
        shutil.copytree(folder, kept / folder.name)
    protect(posts, add=True)
    wanted = tree(output), (private / "manifest.jsonl").read_bytes()
    for folder in (output, private):
        shutil.rmtree(folder)
        shutil.copytree(kept / folder.name, folder)

    def kill(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        if place == "swap":
            patch.setattr(publish, "place", one_less(publish.place))
        elif place == "put_in_place":
            patch.setattr(publish, "put_in_place", kill)
        elif place == "records":
            patch.setattr(publish, "manifest_text", kill)
        elif place == "clear":
            patch.setattr(publish, "clear", kill)
        else:
            patch.setattr(adding, place, kill)
        with pytest.raises(Killed):
            protect(posts, add=True)
    if place in ("optimise", "stage", "put_in_place"):
        assert tree(output) == tree(kept / output.name)
        with pytest.raises(CheckpointError) as caught:
            protect(
                posts, resume=True, **QUICK, surrogate=json.loads((private / "report.json").read_text())["surrogates"]
            )
        assert caught.value.exit_code in (5, 6)
    report = protect(posts, add=True)
    assert report.added == (0 if place == "clear" else 3)
    assert (tree(output), (private / "manifest.jsonl").read_bytes()) == wanted
    assert check(output).problems == []
    assert {path.name for path in private.iterdir()} == {path.name for path in (kept / private.name).iterdir()}


def one_less(link, left=2):
    """The same function, which stops the run when it is called a third time."""
    calls = []

    def linking(*arguments):
        calls.append(arguments)
        if len(calls) > left:
            raise Killed
        return link(*arguments)

    return linking


def add_and_stop_after_two_files(posts, monkeypatch):
    """Stop an `--add` while it puts its files in place."""
    with monkeypatch.context() as patch:
        patch.setattr(publish, "place", one_less(publish.place))
        with pytest.raises(Killed):
            protect(posts, add=True)


def test_more_photos_since_it_was_stopped_begin_it_anew(last_week, posts, tmp_path, monkeypatch):
    take(posts, range(2))
    add_and_stop_after_two_files(posts, monkeypatch)
    take(posts, [7])
    assert (protect(posts, add=True).added, check(tmp_path / "photos-protected").problems) == (3, [])


def test_the_earlier_records_stay_where_the_photos_of_a_stopped_one_are_gone(last_week, posts, tmp_path, monkeypatch):
    take(posts, range(2))
    add_and_stop_after_two_files(posts, monkeypatch)
    for name in ("n0.png", "n1.png"):
        (posts / name).rename(tmp_path / name)
    with pytest.raises(CheckpointError, match="they are gone"):
        protect(posts, add=True)
    for name in ("n0.png", "n1.png"):
        (tmp_path / name).rename(posts / name)
    assert (protect(posts, add=True).added, check(tmp_path / "photos-protected").problems) == (2, [])


def test_where_no_new_photo_can_be_protected_all_stays(last_week, posts, tmp_path):
    (posts / "new.png").write_bytes(b"no photo")
    before = tree(tmp_path)
    with pytest.raises(InputError):
        protect(posts, add=True)
    assert tree(tmp_path) == before


def both(posts, output):
    """Originals and copies, as `verify` opens them."""
    return open_dataset(posts, posts / "posts.jsonl"), open_dataset(output, output / "metadata.jsonl")


def test_verify_knows_renamed_photos_by_content_and_leaves_out_cropped_and_lost_ones(last_week, posts, tmp_path):
    (posts / "trip").mkdir()
    (posts / "p0.png").rename(posts / "trip" / "x.png")
    (posts / "p1.png").rename(posts / "p0.png")
    Image.open(posts / "p2.png").crop((0, 0, 20, 30)).save(posts / "p2.png")
    (posts / "p3.png").unlink()
    text = (posts / "posts.jsonl").read_text()
    (posts / "posts.jsonl").write_text(text.replace("p0.png", "trip/x.png").replace("p1.png", "p0.png"))
    pairs, skipped = match(*both(posts, tmp_path / "photos-protected"))
    found = {pair.original.id: (pair.protected.name, *pair.clean) for pair in pairs}
    assert found.pop("trip/x.png") == ("p0.png", "a new day 0")
    assert found.pop("p0.png") == ("p1.png", "a new day 1")
    assert found == {f"p{n}.png": (f"p{n}.png", f"a new day {n}") for n in range(4, 8)}
    assert [(one.where, one.reason) for one in skipped] == [("p2.png", "changed-since"), ("p3.png", "no-original")]


def test_what_was_added_to_cannot_be_resumed(last_week, posts, at_once, tmp_path):
    take(posts, range(2))
    protect(posts, add=True)
    with pytest.raises(CheckpointError):
        protect(posts, resume=True, **at_once)
