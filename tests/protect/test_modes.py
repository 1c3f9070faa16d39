"""Who may read what: the private folder is its owner's, copies are as private as originals, links lead nowhere else."""

from __future__ import annotations

import shutil
import stat

import pytest

from tests.cli.program import POSIX
from unlearnable import protect

pytestmark = POSIX


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_links_that_lead_out_of_the_folder_are_skipped_and_listed(posts, tiny_path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(posts / "p0.png", elsewhere / "diary.png")
    (posts / "linked.png").symlink_to(elsewhere / "diary.png")
    (posts / "album").symlink_to(elsewhere)
    (posts / "inside.png").symlink_to(posts / "p1.png")
    report = protect(posts, surrogate=(str(tiny_path),), method="random")
    assert {(skip.where, skip.reason) for skip in report.skipped if skip.reason == "link"} == {
        ("album", "link"), ("linked.png", "link")
    }  # fmt: skip
    assert not (tmp_path / "photos-protected" / "linked.png").exists()
    assert (tmp_path / "photos-protected" / "inside.png").is_file()


@pytest.mark.parametrize("how", ["single", "skip"])
def test_links_beside_what_is_taken_are_no_matter(posts, tiny_path, tmp_path, how):
    (posts / "album").symlink_to(tmp_path)
    chosen = {"photos": posts / "p0.png"} if how == "single" else {"photos": posts, "skip": ("album",)}
    assert protect(**chosen, surrogate=(str(tiny_path),), method="random").skipped == []
