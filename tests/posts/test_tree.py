"""Which files in a folder are photos, and which are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.posts.conftest import touch
from unlearnable.errors import InputError
from unlearnable.posts import only_captions, open_dataset
from unlearnable.posts.tree import find_photos, folders_left_out


def test_photos_are_found_by_suffix_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    wanted = ["A.JPG", "b/c/d.heic", "b/e.AVIF", "f.jfif", "no suffix.mpo"]
    touch(tmp_path, *wanted, ".hidden.jpg", ".thumbs/g.jpg", "b/._e.AVIF", "notes.txt", "jpg", "h.jpg.part")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "captions.jsonl").symlink_to("x" * 300)
    (tmp_path / "b" / "round").symlink_to(tmp_path, target_is_directory=True)
    assert find_photos(tmp_path) == wanted
    assert [(one.where, one.reason) for one in folders_left_out(tmp_path)] == [("b/round", "link")]
    assert only_captions(tmp_path) is None


@pytest.mark.parametrize("folder", ["$RECYCLE.BIN", "@eaDir", "Recently Deleted"])
def test_deleted_photos_and_small_copies_of_a_system_are_left_out(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "a.jpg", f"b/{folder}/S-1-5/gone.jpg")
    assert find_photos(tmp_path) == ["a.jpg"]
    assert find_photos(tmp_path / "b" / folder) == ["S-1-5/gone.jpg"]


def test_a_folder_of_zip_files_says_to_unpack_them(tmp_path: Path) -> None:
    touch(tmp_path, "takeout-2025-001.zip", "takeout-2025-002.ZIP")
    with pytest.raises(InputError, match=r"holds the ZIP file takeout-2025-001\.zip$") as caught:
        open_dataset(tmp_path)
    assert (caught.value.hint or "").startswith("unpack it; of an export all parts")


def test_a_folder_that_nobody_may_look_into_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(folder: str | Path = ".") -> object:  # root may look anywhere
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    touch(tmp_path, "a.jpg", "b/closed/c.jpg", "b/d.jpg")
    assert find_photos(tmp_path) == ["a.jpg", "b/d.jpg"]
    assert [(one.where, one.reason) for one in folders_left_out(tmp_path)] == [("b/closed", "unreadable")]
    with pytest.raises(InputError, match="cannot read"):
        find_photos(tmp_path / "b" / "closed")
