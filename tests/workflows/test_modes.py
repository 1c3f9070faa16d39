"""Who may read what: the private folder is its owner's, copies are as private as originals, links lead nowhere else."""

from __future__ import annotations

import os
import shutil
import stat

import pytest

from tests.cli.program import POSIX
from tests.workflows.conftest import QUICK
from unlearnable import protect
from unlearnable.disk import modes

pytestmark = POSIX


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_private_folder_is_its_owners_and_copies_are_as_private_as_originals(posts, tiny_path, tmp_path):
    (posts / "p0.png").chmod(0o600)
    (posts / "p1.png").chmod(0o644)
    (posts / "posts.jsonl").chmod(0o600)
    before = os.umask(0o022)
    try:
        protect(posts, captions=posts / "posts.jsonl", surrogate=(str(tiny_path),), **QUICK)
    finally:
        os.umask(before)
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    assert mode(private) == 0o700
    assert {mode(path) for path in private.iterdir()} == {0o600}
    assert [mode(output / name) for name in ("p0.png", "p1.png", "posts.jsonl", "metadata.jsonl")] == [
        0o600, 0o644, 0o600, 0o600
    ]  # fmt: skip


def test_links_that_lead_out_of_the_folder_are_skipped_and_listed(posts, tiny_path, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(posts / "p0.png", elsewhere / "diary.png")
    (posts / "linked.png").symlink_to(elsewhere / "diary.png")
    (posts / "album").symlink_to(elsewhere)
    (posts / "inside.png").symlink_to(posts / "p1.png")
    report = protect(posts, surrogate=(str(tiny_path),), **QUICK)
    assert {(skip.where, skip.reason) for skip in report.skipped if skip.reason == "link"} == {
        ("album", "link"), ("linked.png", "link")
    }  # fmt: skip
    assert not (tmp_path / "photos-protected" / "linked.png").exists()
    assert (tmp_path / "photos-protected" / "inside.png").is_file()


@pytest.mark.parametrize("how", ["single", "skip"])
def test_links_beside_what_is_taken_are_no_matter(posts, tiny_path, tmp_path, how):
    (posts / "album").symlink_to(tmp_path)
    chosen = {"photos": posts / "p0.png"} if how == "single" else {"photos": posts, "skip": ("album",)}
    assert protect(**chosen, surrogate=(str(tiny_path),), strict=True, **QUICK).skipped == []


@pytest.mark.parametrize(("original", "copy"), [(0o755, 0o644), (0o444, 0o644), (0o400, 0o600), (0o660, 0o660)])
def test_a_copy_can_be_changed_by_its_owner_and_run_by_nobody(tmp_path, original, copy):
    for name in ("original", "copy"):
        (tmp_path / name).touch()
    (tmp_path / "original").chmod(original)
    modes.copy_mode(tmp_path / "original", tmp_path / "copy")
    assert mode(tmp_path / "copy") == copy
