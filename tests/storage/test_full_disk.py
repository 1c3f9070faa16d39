"""A full disk ends a command with one line and exit code 5, and the same command goes on once there is room."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.cli.program import FILE, call
from tests.conftest import tree
from unlearnable.errors import OutputError
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.models.openclip import save
from unlearnable.storage import checkpoint, files
from unlearnable.training.data import Pixels


@contextmanager
def small_disk(folder: Path, size: int):
    """A file system of so many bytes, which takes the rights of root."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("makes a file system, which takes the rights of root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="of POSIX")
def test_a_mapped_file_has_no_holes(tmp_path):
    store = NoiseStore([(512, 512)], 8, tmp_path / "noise.i8")
    assert (tmp_path / "noise.i8").stat().st_blocks * 512 >= store.data.size


def test_there_is_room_for_all_noise_or_none_is_begun(tmp_path):
    with small_disk(tmp_path / "disk", 256 * 1024) as disk:
        with pytest.raises(OutputError, match=r"noise\.i8: the disk is full"):
            NoiseStore([(512, 512)], 8, disk / "noise.i8")
        assert not list(disk.iterdir())
        with (disk / "sparse.i8").open("wb") as file:
            file.truncate(3 * 512 * 512)  # as an earlier version left it
        with pytest.raises(OutputError, match="the disk is full"):
            NoiseStore([(512, 512)], 8, disk / "sparse.i8")


def test_whoever_writes_says_that_the_disk_is_full(tmp_path, tiny):
    big = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    with small_disk(tmp_path / "disk", 512 * 1024) as disk:
        writes = (
            lambda: checkpoint.save(disk / "state.pt", "run", {"a": torch.zeros(1_000_000)}),
            lambda: save(tiny, disk / "model.safetensors"),
            lambda: Pixels.create(disk / "pixels.u8").append(big),
            lambda: files.write_text(disk / "text", "x" * 1_000_000),
        )
        for write in writes:
            with pytest.raises(OutputError, match="the disk is full") as caught:
                write()
            assert caught.value.exit_code == 5
            for path in disk.iterdir():
                path.unlink()


def test_too_little_room_is_said_before_the_work(posts, tiny_path, monkeypatch):
    monkeypatch.setattr("unlearnable.storage.files.free_space", lambda folder: 1000)
    result = call("protect", posts, "--surrogate", tiny_path)
    assert result.returncode == 5
    assert "0 MB are free" in result.stderr
    assert not list(posts.parent.glob("*-protected*"))


def _needed(arguments):
    """Return the bytes that a run asks the disk for, and stop it there."""
    asked = []

    def stop(folder, needed):
        asked.append(needed)
        raise OutputError("stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlearnable.storage.files.check_space", stop)
        assert call(*arguments).returncode == 5
    return asked[0]


def test_room_for_what_is_read_back_is_asked_for_before_the_work(posts, tiny_path, monkeypatch):
    working = 8 * 48 * 64 * 3  # copies of the photos, of the files, and of what these were before a loss
    arguments = ("protect", posts, "--surrogate", tiny_path, "--method", "random", "--format", "jpeg")
    needed = _needed(arguments)
    assert needed > 2 * working
    monkeypatch.setattr("unlearnable.storage.files.free_space", lambda folder: needed - 1)
    refused = call(*arguments)
    assert (refused.returncode, "MB are free on its disk" in refused.stderr) == (5, True)
    assert "optimising" not in refused.stderr


def test_room_for_checkpoints_is_asked_for_before_the_work(posts, tiny, tiny_path, monkeypatch):
    def needed(*further):
        return _needed(("protect", posts, "--surrogate", tiny_path, *further))

    weights = sum(each.numel() * each.element_size() for each in tiny.module.parameters())
    words = tiny.module.token_embedding.weight.numel() * 4  # which have next to no moments
    two = 2 * (3 * weights - 2 * words)  # checkpoints, with two moments each
    assert two < needed("--preset", "fast") < two + weights
    monkeypatch.setenv("UNLEARNABLE_ADVERSARIAL_WEIGHT", "9")
    assert needed("--preset", "fast") > 2 * two  # with adversaries


def test_runs_on_a_full_disk_end_with_one_line_and_go_on_with_room(posts, tiny_path, tmp_path, monkeypatch):
    file = tmp_path / "quick.toml"
    file.write_text(FILE + "max_rounds = 1\n")
    arguments = ["protect", posts, "--surrogate", tiny_path, "--config", file, "--output"]
    assert call(*arguments, tmp_path / "whole").returncode == 0
    for kilobytes in (40, 200, 2000, 7000):  # a run takes about 8 MB
        with small_disk(tmp_path / "disk", kilobytes * 1024) as disk:
            monkeypatch.setattr(tempfile, "tempdir", str(disk))
            result = call(*arguments, disk / "out")
            assert (result.returncode, result.stdout) == (5, "")
            assert "bug" not in result.stderr
            assert sum(line.startswith("error:") for line in result.stderr.splitlines()) == 1
            subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            resume = ["--resume"] if (disk / "out.private").exists() else []
            again = call(*arguments, disk / "out", *resume)
            assert again.returncode == 0, again.stderr
            assert tree(disk / "out") == tree(tmp_path / "whole")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (RuntimeError("io (os error 28)"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "out.png"), "cannot write out.png: Read-only file system"),
    ],
)
def test_an_error_of_a_disk_that_nobody_expected_is_no_bug(monkeypatch, error, said):
    def fail(device):
        raise error

    monkeypatch.setattr("unlearnable.cli.doctor.examine", fail)
    result = call("doctor")
    assert result.returncode == 5
    assert said in result.stderr
