"""Files are written whole or not at all, and a full disk ends a command with one line and exit code 5."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.cli.program import call
from tests.conftest import tree
from tests.presets import presets_file
from unlearnable.errors import OutputError
from unlearnable.methods.noise import NoiseStore
from unlearnable.models.openclip import save
from unlearnable.storage import checkpoint, files
from unlearnable.training.data import Pixels


@contextmanager
def small_disk(folder: Path, size: int):
    """A file system of so many bytes, which only root can make."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("makes a file system, which takes the rights of root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


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


@pytest.mark.parametrize(
    ("one", "other"),
    [(f"{'фото ' * 20}001.png", f"{'фото ' * 20}002.png"), ("a\udcff.png", "a\udcfe.png"),
     (f"a.{'x' * 90}1", f"a.{'x' * 90}2")],
)  # fmt: skip
def test_files_that_are_written_at_once_have_temporary_names_of_their_own(one, other):
    names = [files.temporary_name(Path("album") / name) for name in (one, other)]
    assert names[0] != names[1]
    assert all(files.is_temporary(name) and len(os.fsencode(name.name)) < 255 for name in names)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="of POSIX")
def test_a_mapped_file_has_no_holes(tmp_path):
    store = NoiseStore([(512, 512)], 8, tmp_path / "noise.i8")
    assert (tmp_path / "noise.i8").stat().st_blocks * 512 >= store.data.size


def test_there_is_room_for_all_noise_or_none_is_begun(tmp_path):
    with small_disk(tmp_path / "disk", 256 * 1024) as disk:
        with pytest.raises(OutputError, match=r"noise\.i8: the disk is full"):
            NoiseStore([(512, 512)], 8, disk / "noise.i8")
        assert not list(disk.iterdir())


def test_every_writer_reports_a_full_disk(tmp_path, tiny):
    big = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    with small_disk(tmp_path / "disk", 512 * 1024) as disk:
        writes = (
            lambda: checkpoint.save(disk / "state.pt", "run", {"a": torch.zeros(1_000_000)}),
            lambda: save(tiny, disk / "model.safetensors"),
            lambda: Pixels.create(disk / "pixels.u8").append(big),
            lambda: files.write_text(disk / "text", "x" * 1_000_000),
        )
        for write in writes:
            with pytest.raises(OutputError, match="the disk is full"):
                write()
            for path in disk.iterdir():
                path.unlink()


def test_room_for_checkpoints_is_asked_for_before_the_work(posts, tiny, tiny_path, monkeypatch):
    asked = []
    monkeypatch.setattr(files, "free_space", lambda folder: 1000)
    monkeypatch.setattr(
        files, "check_space", lambda *args, check=files.check_space: asked.append(args[1]) or check(*args)
    )
    result = call("protect", posts, "--surrogate", tiny_path, "--preset", "paper")
    assert result.returncode == 5
    assert "0 MB are free" in result.stderr
    assert "optimising" not in result.stderr
    assert not list(posts.parent.glob("*-protected*"))
    weights = sum(each.numel() * each.element_size() for each in tiny.module.parameters())
    two = 2 * 3 * weights  # checkpoints, with two moments each
    assert two < asked[0] < two + weights


def test_a_run_on_a_full_disk_ends_with_one_line_and_goes_on_with_room(posts, tiny_path, tmp_path, monkeypatch):
    file = tmp_path / "quick.toml"
    presets_file(file, max_rounds=1)
    arguments = ["protect", posts, "--surrogate", tiny_path, "--config", file, "--output"]
    assert call(*arguments, tmp_path / "whole").returncode == 0
    for kilobytes in (200, 7000):  # a run takes about 8 MB
        with small_disk(tmp_path / "disk", kilobytes * 1024) as disk:
            monkeypatch.setattr(tempfile, "tempdir", str(disk))
            result = call(*arguments, disk / "out")
            assert (result.returncode, result.stdout) == (5, "")
            assert sum(line.startswith("error:") for line in result.stderr.splitlines()) == 1
            subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            resume = ["--resume"] if (disk / "out.private").exists() else []
            again = call(*arguments, disk / "out", *resume)
            assert again.returncode == 0, again.stderr
            assert tree(disk / "out") == tree(tmp_path / "whole")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("io (os error 28)"),
        OSError(errno.EROFS, "Read-only file system", "out.png"),
    ],
)
def test_a_disk_that_fails_unexpectedly_is_not_called_a_bug(monkeypatch, error):
    def fail(device):
        raise error

    monkeypatch.setattr("unlearnable.cli.doctor.examine", fail)
    assert call("doctor").returncode == 5
