"""Locks, and scratch folders: private, removed at the end, and removed by the next run after a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile

import pytest

from tests.cli.program import PAUSING, POSIX, call
from tests.forked import Forked
from unlearnable.errors import OutputError
from unlearnable.storage import folders
from unlearnable.storage.folders import scratch_folder

pytestmark = POSIX
HOLDING = """
import sys
from unlearnable.storage.folders import scratch_folder
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


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_scratch_folder_is_private_and_removed_at_the_end(temporary):
    with scratch_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == temporary
        (folder / "inner").mkdir()
    with pytest.raises(KeyError), scratch_folder():
        raise KeyError
    assert names(temporary) == []


def test_the_folder_of_a_killed_run_is_removed_and_that_of_a_running_or_anothers_is_not(temporary, monkeypatch):
    line = [sys.executable, "-c", HOLDING]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline().startswith(str(temporary))
        before = names(temporary)
        with scratch_folder():
            assert len(names(temporary)) == 2
        assert names(temporary) == before
        holder.kill()
    with monkeypatch.context() as patch:
        own = os.getuid()
        patch.setattr(os, "getuid", lambda: own + 1)
        with scratch_folder():
            assert len(names(temporary)) == 2
    assert names(temporary) == before
    with scratch_folder() as folder:
        assert names(temporary) == [folder.name]


def test_nothing_else_in_the_temporary_folder_is_removed(temporary, tmp_path):
    for name in ("unlearnable-notes", "other-a", "unlearnable-begun"):
        (temporary / name).mkdir()
    (temporary / "unlearnable-notes" / "text").write_text("mine")
    (temporary / "unlearnable-begun" / folders.LOCK).touch()  # of a run that is about to take it
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in (linked, temporary / "other-a"):
        (path / folders.LOCK).touch()
        (path / "text").write_text("mine")
    (temporary / "unlearnable-link").symlink_to(linked)
    before = names(temporary)
    with scratch_folder():
        pass
    assert names(temporary) == before
    assert names(linked) == names(temporary / "other-a") == [folders.LOCK, "text"]


def test_a_temporary_folder_that_cannot_be_written_is_an_output_error(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(OutputError), scratch_folder():
        pass


@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_no_decoded_original_stays_in_the_temporary_folder(posts, tiny_path, temporary, tmp_path, name):
    arguments = ["train", "--data", posts, "--model", tiny_path, "--output", tmp_path / "m.safetensors"]
    line = [sys.executable, "-u", "-c", PAUSING, "training", *map(str, arguments)]
    with Forked(line, stderr=subprocess.PIPE, text=True) as process:
        assert any(said.startswith("training") for said in process.stderr)
        assert list(temporary.glob("unlearnable-*/*.u8")), "nothing was decoded"
        process.send_signal(getattr(signal, name))
        process.stderr.read()
    if name == "SIGKILL":
        assert list(temporary.glob("unlearnable-*/*.u8"))
        assert call(*arguments, "--epochs", "1").returncode == 0
    assert not list(temporary.glob("unlearnable-*"))
