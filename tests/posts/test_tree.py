"""Which files in a folder are photos, and which are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.posts.conftest import touch
from unlearnable.errors import InputError
from unlearnable.posts import only_captions, open_dataset, open_people
from unlearnable.posts.tree import find_photos, not_here, unreadable


def test_photos_are_found_by_suffix_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    wanted = ["A.JPG", "b/c/d.heic", "b/e.AVIF", "f.jfif", "no suffix.mpo"]
    touch(tmp_path, *wanted, ".hidden.jpg", ".thumbs/g.jpg", "b/._e.AVIF", "notes.txt", "jpg", "h.jpg.part")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "captions.jsonl").symlink_to("x" * 300)
    (tmp_path / "far.jpg").symlink_to("x" * 300)  # as of one into a closed folder, `Path` raises an error
    (tmp_path / "b" / "round").symlink_to(tmp_path, target_is_directory=True)
    assert find_photos(tmp_path) == wanted
    assert [(one.where, one.reason) for one in not_here(tmp_path)] == [
        ("b/round", "link"),
        ("dangling.jpg", "link"),
        ("far.jpg", "link"),
    ]
    assert only_captions(tmp_path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes")
def test_a_pipe_that_is_called_as_a_photo_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "led.png").symlink_to(tmp_path / "pipe.jpg")
    assert find_photos(tmp_path) == ["a.jpg"]
    assert [(one.where, one.reason) for one in not_here(tmp_path)] == [
        ("led.png", "not-an-image"),
        ("pipe.jpg", "not-an-image"),
    ]


@pytest.mark.parametrize("folder", ["$RECYCLE.BIN", "@eaDir", "Recently Deleted"])
def test_deleted_photos_and_small_copies_of_a_system_are_left_out_and_named(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "a.jpg", f"b/{folder}/S-1-5/gone.jpg")
    assert find_photos(tmp_path) == ["a.jpg"]
    assert [(one.where, one.reason) for one in not_here(tmp_path)] == [(f"b/{folder}", "withheld")]
    assert find_photos(tmp_path / "b" / folder) == ["S-1-5/gone.jpg"]


def test_a_folder_of_zip_files_says_to_unpack_them(tmp_path: Path) -> None:
    touch(tmp_path, "takeout-2025-001.zip", "takeout-2025-002.ZIP")
    with pytest.raises(InputError, match=r"holds takeout-2025-001\.zip and 1 more ZIP file$") as caught:
        open_dataset(tmp_path)
    assert (caught.value.hint or "").startswith("unpack it; of an export all parts")


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may look into folders called "closed", nor at files in those called "listed"; root may, so it is shown."""
    scan, access = os.scandir, os.access

    def refuse(folder: str | Path = ".") -> object:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "listed" and access(path, mode))


@pytest.mark.usefixtures("closed")
def test_a_folder_that_nobody_may_look_into_is_left_out_and_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b/closed/c.jpg", "b/d.jpg", "listed/e.jpg")
    assert find_photos(tmp_path) == ["a.jpg", "b/d.jpg"]
    assert [(one.where, one.reason) for one in unreadable(tmp_path)] == [
        ("b/closed", "unreadable"),
        ("listed", "unreadable"),
    ]
    assert [one.where for one in open_dataset(tmp_path).skipped] == ["b/closed", "listed"]
    assert [one.where for one in open_people(tmp_path, least=1).skipped][-2:] == ["b/closed", "listed"]
    assert not_here(tmp_path) == []
    with pytest.raises(InputError, match="cannot read"):
        find_photos(tmp_path / "b" / "closed")
    (tmp_path / "b" / "d.jpg").unlink()
    with pytest.raises(InputError, match=r"no photo in .*; closed: a folder that you may not look into"):
        find_photos(tmp_path / "b")


def test_a_folder_whose_photos_are_elsewhere_says_where(tmp_path: Path) -> None:
    touch(tmp_path, "$RECYCLE.BIN/a.jpg")
    [away] = not_here(tmp_path)
    with pytest.raises(InputError) as caught:
        find_photos(tmp_path)
    assert caught.value.message == f"no photo in {tmp_path}; {away.where}: {away.detail}"
