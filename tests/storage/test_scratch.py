"""Decoded originals in the temporary folder: private, gone at the end, and gone with the next run after a kill."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile

import pytest

from tests.cli.program import FILE, PAUSING, POSIX, call
from tests.forked import Forked
from tests.protect.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import OutputError
from unlearnable.storage import locks
from unlearnable.storage.locks import scratch_folder

pytestmark = POSIX
HOLDING = """
import sys
from unlearnable.storage.locks import scratch_folder
with scratch_folder() as folder:
    (folder / "pixels.u8").write_text("original")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def holder(temporary):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith(str(temporary))
        yield process


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_is_private_and_removed_at_the_end(temporary):
    with scratch_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == temporary
        (folder / "inner").mkdir()
    assert names(temporary) == []
    with pytest.raises(KeyError), scratch_folder():
        raise KeyError
    assert names(temporary) == []


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_holds_is_not(temporary, holder):
    before = names(temporary)
    with scratch_folder():
        assert len(names(temporary)) == 2
    assert names(temporary) == before
    holder.kill()
    holder.wait()
    assert names(temporary) == before
    with scratch_folder() as folder:
        assert names(temporary) == [folder.name]


def test_nothing_else_in_the_temporary_folder_is_removed(temporary, tmp_path, monkeypatch):
    for name in ("unlearnable-notes", "other-a", "unlearnable-begun"):
        (temporary / name).mkdir()
    (temporary / "unlearnable-notes" / "text").write_text("mine")
    (temporary / "unlearnable-begun" / locks.LOCK).touch()  # of a run that is about to take it
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in (linked, temporary / "other-a"):
        (path / locks.LOCK).touch()
        (path / "text").write_text("mine")
    (temporary / "unlearnable-link").symlink_to(linked)
    before = names(temporary)
    with scratch_folder():
        pass
    assert names(temporary) == before
    assert names(linked) == names(temporary / "other-a") == [locks.LOCK, "text"]


def test_what_another_user_left_is_not_touched(temporary, holder, monkeypatch):
    holder.kill()
    holder.wait()
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    before = names(temporary)
    with scratch_folder():
        pass
    assert names(temporary) == before


def test_a_temporary_folder_that_cannot_be_written_is_one_line(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(OutputError, match="cannot write the temporary folder"), scratch_folder():
        pass


@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize(
    ("command", "marker", "name"),
    [
        ("train", "training", "SIGTERM"),
        ("verify", "reading both", "SIGKILL"),
    ],
)
def test_no_decoded_original_stays_in_the_temporary_folder(
    posts, tiny_path, temporary, tmp_path, command, marker, name
):
    file = tmp_path / "quick.toml"
    file.write_text(FILE + "max_rounds = 3\n")
    if command == "verify":
        protect(posts, surrogate=(str(tiny_path),), **QUICK)
    arguments = {
        "train": ["train", "--data", posts, "--model", tiny_path, "--output", tmp_path / "m.safetensors"],
        "verify": ["verify", posts, tmp_path / "photos-protected", "--victims", tiny_path, "--epochs", "1"],
    }[command]
    line = [sys.executable, "-u", "-c", PAUSING, marker, *map(str, arguments)]
    with Forked(line, stderr=subprocess.PIPE, text=True) as process:
        assert any(said.startswith(marker) for said in process.stderr)
        assert list(temporary.glob("unlearnable-*/*.u8")), "nothing was decoded"
        process.send_signal(getattr(signal, name))
        process.stderr.read()
    if name == "SIGKILL":
        assert list(temporary.glob("unlearnable-*/*.u8"))
        assert call(*arguments).returncode == 0
    assert not list(temporary.glob("unlearnable-*"))


def test_a_folder_that_its_run_removes_at_the_same_moment_is_no_obstacle(temporary, monkeypatch):
    gone = temporary / "unlearnable-gone"  # between the list of folders and the look into this one
    monkeypatch.setattr(locks, "_scratch_folders", lambda: [gone])
    monkeypatch.setattr(locks, "FileLock", _Free)
    locks._remove_left()


class _Free:
    """A lock that is to be had, though its folder is gone."""

    def __init__(self, path):
        pass

    def acquire(self, timeout):
        return contextlib.nullcontext()
