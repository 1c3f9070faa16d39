"""What a kill leaves: decoded originals in the private folder alone and not for long, and no state without a way on."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys

import pytest

from tests.cli.program import PAUSING, POSIX, call
from tests.conftest import tree
from tests.forked import Forked
from tests.presets import presets_file
from unlearnable import protect
from unlearnable.protect import publish, write
from unlearnable.protect.layout import Layout, create_folders
from unlearnable.storage import files


@pytest.fixture
def private(tmp_path):
    return tmp_path / "photos-protected.private"


@POSIX
@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_decoded_originals_lie_in_the_private_folder_and_are_removed(posts, tiny_path, tmp_path, private, name):
    (tmp_path / "temporary").mkdir()
    file = tmp_path / "at_once.toml"
    presets_file(file, max_rounds=3)
    arguments = ["protect", str(posts), "--surrogate", str(tiny_path), "--config", str(file)]
    line = [sys.executable, "-u", "-c", PAUSING, "optimising", *arguments]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with Forked(line, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert any(said.startswith("optimising") for said in process.stderr)
        assert (private / "scratch" / "pixels.u8").stat().st_size == 8 * 3 * 48 * 64
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in (private, private / "scratch")] == [0o700, 0o700]
        process.send_signal(getattr(signal, name))
        process.stderr.read()
    assert process.returncode == (-signal.SIGKILL if name == "SIGKILL" else 130)
    assert not [path for path in (tmp_path / "temporary").iterdir() if path.name.startswith("unlearnable")]
    if name == "SIGKILL":
        assert call(*arguments).returncode == 5  # "exists already"
    assert not (private / "scratch").exists()
    assert not (private / "lock").exists()


def test_a_run_that_was_killed_before_it_wrote_anything_is_no_run(posts, at_once, private):
    (private / "scratch").mkdir(parents=True)
    (private / "lock").touch()
    (private / "scratch" / "pixels.u8").write_text("half")
    assert protect(posts, **at_once).protected == 8
    protect(posts, output=private.parent / "out", **at_once)
    assert tree(private).keys() == tree(private.parent / "out.private").keys()


@pytest.mark.parametrize("resume", [True, False])
def test_a_run_that_was_killed_while_it_removed_another_starts_over(
    posts, at_once, tmp_path, private, monkeypatch, resume
):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(write, "write_caption_files", stop)
        with pytest.raises(KeyboardInterrupt):
            protect(posts, seed=1, **at_once)
        patch.setattr(shutil, "rmtree", stop)
        layout = Layout(tmp_path / "photos-protected", private, posts)
        with pytest.raises(KeyboardInterrupt):
            create_folders(layout, "key", "", resume=False)
    protect(posts, resume=resume, overwrite=not resume, **at_once)
    protect(posts, output=tmp_path / "whole", **at_once)
    assert tree(tmp_path / "photos-protected") == tree(tmp_path / "whole")


@pytest.mark.parametrize("way", [{"resume": True}, {"overwrite": True}])
def test_no_half_file_stays_in_the_published_folder(posts, at_once, tmp_path, private, monkeypatch, way):
    genuine, calls = publish.place, []

    def link(source, target, swapping):
        calls.append(target)
        if len(calls) == 4:
            files.temporary_name(target).write_bytes(b"half")  # as a kill leaves it where there are no links
            raise KeyboardInterrupt
        genuine(source, target, swapping)

    with monkeypatch.context() as patch:
        patch.setattr(publish, "place", link)
        with pytest.raises(KeyboardInterrupt):
            protect(posts, **at_once)
    protect(posts, **way, **at_once)
    assert not [name for name in tree(tmp_path / "photos-protected") if "partial" in name]
    assert not (private / "checkpoint").exists()
