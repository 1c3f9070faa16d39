"""Workers that read and write photos change nothing but the time that it takes."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from PIL import Image

from tests.cli.program import POSIX, call
from tests.conftest import tree
from tests.forked import Forked
from tests.presets import presets_file
from tests.storage import jobs
from tests.storage.test_pool import eventually, gone
from unlearnable import protect
from unlearnable.errors import OutputError
from unlearnable.protect import photo, read, write
from unlearnable.storage import pool

PAUSING = """
import sys, time
from unlearnable.cli.app import main
from unlearnable.storage.pool import Pool, Worker
from unlearnable.protect import photo, read, write
numbers, start, answers = sys.argv.pop(1), Worker.__init__, Pool.answers
def started(worker):
    start(worker)
    with open(numbers, "a") as file:
        print(worker._process.pid, file=file)
def paused(pool, jobs):
    for number, answer in enumerate(answers(pool, jobs)):
        if number == 3 and pool._function.__name__ == "write_one":
            print("three are written", file=sys.stderr, flush=True)
            time.sleep(100)
        yield answer
Worker.__init__, Pool.answers, photo.cores = started, paused, lambda: 2
read.FEW = write.FEW = 0
main()
"""
"""Runs the program, with two workers; the first argument is a file for the numbers of their processes."""


@pytest.fixture
def workers(monkeypatch):
    """As many workers as are set, for photos of any size."""
    monkeypatch.setattr(read, "FEW", 0)
    monkeypatch.setattr(write, "FEW", 0)

    def use(number: int) -> None:
        monkeypatch.setattr(photo, "cores", lambda: number)

    use(2)
    return use


@pytest.fixture
def mixed(posts):
    """Posts of several formats, some of which cannot be used."""
    rng = np.random.default_rng(5)
    for number, suffix in enumerate(("jpg", "webp", "tif")):
        pixels = rng.integers(0, 256, (60 + number, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(posts / f"kind{number}.{suffix}", quality=90)
    (posts / "broken.jpg").write_bytes(b"no photo")
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(posts / "small.png")
    return posts


def test_any_number_of_workers_gives_the_same_files_manifest_and_losses(mixed, at_once, tmp_path, workers):
    results = []
    for number in (0, 2):
        workers(number)
        report = protect(mixed, output=tmp_path / f"out{number}", **at_once)
        private = tmp_path / f"out{number}.private"
        results.append((tree(tmp_path / f"out{number}"), (private / "manifest.jsonl").read_bytes(), report.losses))
    assert results[0] == results[1]
    assert [one.where for one in report.skipped] == ["broken.jpg", "small.png"]


def test_a_worker_that_is_ended_stops_the_run_which_can_be_resumed(posts, at_once, tmp_path, workers, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(write, "write_one", jobs.ending)
        with pytest.raises(OutputError, match=r"the process that wrote .* was ended"):
            protect(posts, **at_once)
    protect(posts, resume=True, **at_once)
    workers(0)
    protect(posts, output=tmp_path / "whole", **at_once)
    assert tree(tmp_path / "photos-protected") == tree(tmp_path / "whole")


def test_a_photo_that_ends_its_reader_is_left_out(posts, at_once, workers, monkeypatch):
    genuine = pool.Worker.call

    def call(worker, function, job):
        if function.__name__ == "read_one" and job.photo.id == "p1.png":
            return genuine(worker, jobs.ending, None)
        return genuine(worker, function, job)

    monkeypatch.setattr(pool.Worker, "call", call)
    report = protect(posts, **at_once)
    assert [(one.where, one.reason) for one in report.skipped] == [("p1.png", "too-large")]
    assert report.protected == 7


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_an_interrupted_run_leaves_no_worker_and_resumes(posts, tiny_path, tmp_path, name):
    presets_file(tmp_path / "quick.toml", max_rounds=1)
    arguments = ["protect", posts, "--surrogate", tiny_path, "--config", tmp_path / "quick.toml"]
    line = [sys.executable, "-u", "-c", PAUSING, tmp_path / "workers", *arguments]
    with Forked(
        [*map(str, line)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored where the tests run unattended
    ) as process:
        assert any(said.startswith("three are written") for said in process.stderr)
        process.send_signal(getattr(signal, name))
        process.stderr.read()
    assert process.returncode == (-signal.SIGKILL if name == "SIGKILL" else 130)
    numbers = [int(number) for number in (tmp_path / "workers").read_text().split()]
    assert len(numbers) == 4  # two that read, two that write
    assert all(eventually(lambda number=number: gone(number)) for number in numbers)
    private = tmp_path / "photos-protected.private"
    if name != "SIGKILL":
        assert not (private / "scratch").exists()
    assert call(*arguments, "--resume").returncode == 0
    assert call(*arguments, "--output", tmp_path / "whole").returncode == 0
    assert tree(tmp_path / "photos-protected") == tree(tmp_path / "whole")
