"""Two runs never write one result."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.program import PAUSING, POSIX
from tests.conftest import tree
from tests.forked import Forked
from tests.presets import presets_file
from tests.protect.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import InputError, ModelError, OutputError
from unlearnable.protect.layout import layout_of
from unlearnable.protect.resume import held
from unlearnable.storage import files, locks


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_a_second_run_says_who_holds_the_folders_and_touches_nothing(posts, tiny_path, tmp_path, options):
    quick = {**QUICK, "surrogate": (str(tiny_path),)}
    if options:
        protect(posts, **quick)
    before = tree(tmp_path / "photos-protected") if options else None
    with (
        held(layout_of(posts, None)),
        pytest.raises(OutputError, match=f"process {os.getpid()} on .* since ") as caught,
    ):
        protect(posts, **quick, **options)
    assert caught.value.exit_code == 5
    if options:
        assert tree(tmp_path / "photos-protected") == before
    assert protect(posts, **quick, **options).protected == 8


def test_nothing_is_left_of_a_lock(posts, tiny_path, tmp_path):
    with pytest.raises(ModelError):
        protect(posts, surrogate=("RN50:openai",))
    assert not list(tmp_path.glob("*protected*"))
    protect(posts, surrogate=(str(tiny_path),), **QUICK)
    assert not list((tmp_path / "photos-protected.private").glob("lock*"))


def test_a_run_that_is_refused_leaves_no_empty_folders_above_its_output(posts, tiny_path, tmp_path):
    (tmp_path / "kept").mkdir()
    quick = {**QUICK, "surrogate": (str(tiny_path),)}
    before = sorted(tmp_path.rglob("*"))
    for output in ("new/deep/out", "kept/deep/out", "kept/out"):
        with pytest.raises(InputError, match="leave none of 8 photos"):
            protect(posts, **quick, only=("nothing",), output=tmp_path / output)
        assert sorted(tmp_path.rglob("*")) == before
    assert protect(posts, **quick, output=tmp_path / "new" / "deep" / "out").protected == 8
    assert {path.name for path in (tmp_path / "new" / "deep").iterdir()} == {"out", "out.private"}


def test_where_nothing_can_be_written_another_output_is_advised(posts, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught, held(replace(layout_of(posts, None), private=tmp_path / "file" / "out")):
        pass
    assert caught.value.hint == "choose another `output`, in a folder that can be written"


@POSIX
@pytest.mark.parametrize(
    "hold",
    [
        lambda posts: held(layout_of(posts, None)),
        lambda posts: locks.held(posts.parent / "new.safetensors", posts.parent / ".lock", "training"),
    ],
)
def test_a_disk_that_takes_no_changes_any_more_is_said_and_is_no_bug(posts, monkeypatch, hold):
    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def write():
        for name in ("chmod", "unlink", "write_bytes"):
            monkeypatch.setattr(Path, name, refuse)
        files.write_bytes(posts, b"")

    with pytest.raises(OutputError, match="Read-only file system"), hold(posts):
        write()


@POSIX
def test_a_killed_run_holds_nothing(posts, tiny_path, tmp_path):
    file = tmp_path / "quick.toml"
    presets_file(file, max_rounds=3)
    arguments = ["protect", str(posts), "--surrogate", str(tiny_path), "--config", str(file)]
    line = [sys.executable, "-u", "-c", PAUSING, "optimising", *arguments]
    with Forked(line, stderr=subprocess.PIPE, text=True) as process:
        assert any(said.startswith("optimising") for said in process.stderr)
        with pytest.raises(OutputError, match=f"process {process.pid} "):
            protect(posts, surrogate=(str(tiny_path),), **QUICK)
        process.kill()
    assert protect(posts, overwrite=True, surrogate=(str(tiny_path),), **QUICK).protected == 8
