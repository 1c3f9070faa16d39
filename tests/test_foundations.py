"""Errors, files and checkpoints: what everything else stands on."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import torch

from unlearnable import errors
from unlearnable.errors import CheckpointError, OutputError
from unlearnable.models.openclip import save
from unlearnable.storage import checkpoint, files, locks


def test_every_kind_of_error_has_an_exit_code_of_its_own():
    kinds = errors.UnlearnableError.__subclasses__()
    codes = [kind.exit_code for kind in kinds if kind.__module__ == "unlearnable.errors"]
    assert sorted(codes) == [2, 3, 4, 5, 6, 130]


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old\n")

    def fail():
        with files.atomic(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="folders are flushed on POSIX")
def test_a_file_is_on_the_disk_before_it_gets_its_name_and_its_name_is_before_work_goes_on(tmp_path, monkeypatch):
    done, rename = [], Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda file: done.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
    )
    monkeypatch.setattr(Path, "replace", lambda *paths: done.append("name") or rename(*paths))
    files.write_text(tmp_path / "a.txt", "text")
    assert done == ["file", "name", "folder"]


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write") as caught:
        files.write_text(tmp_path / "file" / "a.txt", "x")
    assert caught.value.exit_code == 5


def test_rows_of_zeros_take_no_room_in_a_checkpoint(tmp_path):
    path, moments, weights = tmp_path / "state.pt", torch.zeros(5000, 100), torch.randn(5000, 100)
    moments[[3, 4000]] = torch.randn(2, 100)
    checkpoint.save(path, "run", {"few": [moments], "most": weights, "none": torch.zeros(1000, 100), "n": (1, None)})
    assert path.stat().st_size < 1.05 * weights.nbytes
    loaded = checkpoint.load(path, "run")
    assert torch.equal(loaded["few"][0], moments)
    assert torch.equal(loaded["most"], weights)
    assert torch.equal(loaded["none"], torch.zeros(1000, 100))
    assert loaded["n"] == (1, None)


def test_weights_are_written_under_no_name_but_one_that_is_removed(tiny, tmp_path, monkeypatch):
    written, genuine = [], Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: written.append(path) or genuine(path, data))
    save(tiny, tmp_path / "model.safetensors")
    assert [files.is_temporary(path) for path in written] == [True]


@pytest.mark.parametrize(
    ("one", "other"),
    [(f"{'фото ' * 20}001.png", f"{'фото ' * 20}002.png"), ("a\udcff.png", "a\udcfe.png"),
     (f"a.{'x' * 90}1", f"a.{'x' * 90}2")],
)  # fmt: skip
def test_files_that_are_written_at_once_have_temporary_names_of_their_own(one, other):
    names = [files.temporary_name(Path("album") / name) for name in (one, other)]
    assert names[0] != names[1]
    assert all(files.is_temporary(name) and len(os.fsencode(name.name)) < 255 for name in names)


def test_a_checkpoint_is_bound_to_its_run(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save(path, "run a", {"x": torch.tensor([1, 2]), "n": 3})
    assert checkpoint.load(path, "run a")["n"] == 3
    with pytest.raises(CheckpointError, match="other settings"):
        checkpoint.load(path, "run b")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(path, "run a")


def test_a_checkpoint_of_another_version_is_refused(tmp_path, monkeypatch):
    checkpoint.save(tmp_path / "state.pt", "run", {"n": 3})
    monkeypatch.setattr(checkpoint, "VERSION", checkpoint.VERSION + 1)
    with pytest.raises(CheckpointError, match="another version"):
        checkpoint.load(tmp_path / "state.pt", "run")


def test_a_lock_removes_no_file_that_holds_something(tmp_path):
    lock = tmp_path / ".lock"
    with locks.held(tmp_path, lock, "training"):
        assert lock.stat().st_size == 0, "others would take it for a file of the user's"
    lock.write_text("dear")
    with pytest.raises(OutputError, match="was not made by this program"), locks.held(tmp_path, lock, "training"):
        pass
    assert lock.read_text() == "dear"
