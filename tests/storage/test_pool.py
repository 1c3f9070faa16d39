"""Workers answer in order, hand on errors, and are gone when the one that they work for is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.cli.program import POSIX
from tests.imaging.test_opening import tiff
from tests.storage import jobs
from unlearnable.errors import OutputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.storage.pool import Pool, WorkerEnded

KILLED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
from pathlib import Path
from tests.storage import jobs
from unlearnable.storage.pool import Pool
with Pool(jobs.sleeping, lambda _: 1, 10, 2) as pool:
    list(pool.answers([Path(sys.argv[1])] * 2))
"""


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def eventually(check, seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while not check() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(check())


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_answers_come_in_order_whoever_is_ready_first(workers):
    asked = [(number, 0.2 if number == 0 else 0.0) for number in range(15)]
    with Pool(jobs.patient, lambda _: 1, 10, workers) as pool:
        assert [answer.result()[0] for answer in pool.answers(asked)] == list(range(15))


def test_a_large_job_is_alone():
    asked = [(1, 0.2), (1, 0.2), (9, 0.2), (1, 0.2)]
    with Pool(jobs.patient, lambda job: job[0], 5, 3) as pool:
        done = [answer.result() for answer in pool.answers(asked)]
    (large,) = [one for one in done if one[0] == 9]
    assert all(one is large or one[2] <= large[1] or large[2] <= one[1] for one in done)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_keeps_its_class_and_attributes_and_the_others_are_answered(workers):
    with Pool(jobs.failing, lambda _: 1, 10, workers) as pool:
        decode, output, bug, good = pool.answers(["decode", "output", "bug", "good"])
        with pytest.raises(DecodeError, match="truncated: it ends early") as caught:
            decode.result()
        assert (caught.value.reason, caught.value.detail) == ("truncated", "it ends early")
        with pytest.raises(OutputError, match="the disk is full") as full:
            output.result()
        assert (full.value.hint, full.value.exit_code) == ("free some space", 5)
        with pytest.raises(ValueError, match="no number") as unexpected:
            bug.result()
        if workers:
            assert "in failing" in unexpected.value.__notes__[0]
        assert (good.result() == os.getpid()) == (not workers)


def test_a_worker_that_ends_is_reported_and_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])  # as notebooks have it; Python ignores a Path there
    with Pool(jobs.failing, lambda _: 1, 10, 1) as pool:
        ended, good = pool.answers(["end", "good"])
        with pytest.raises(WorkerEnded):
            ended.result()
        assert good.result() != os.getpid()


@POSIX
def test_workers_are_stopped_where_the_block_is_left(tmp_path):
    with Pool(jobs.sleeping, lambda _: 1, 10, 2) as pool:
        asked = [pool._threads.submit(pool._ask, tmp_path) for _ in range(2)]
        assert eventually(lambda: len(list(tmp_path.iterdir())) == 2)
    assert all(isinstance(one.exception(), WorkerEnded) for one in asked)
    assert all(gone(int(path.name)) for path in tmp_path.iterdir())


@POSIX
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_workers_end_with_the_process_that_they_work_for(tmp_path, name):
    line = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}) as run:
        assert eventually(lambda: len(list(tmp_path.iterdir())) == 2)
        run.send_signal(getattr(signal, name))
        run.wait(30)  # long before the jobs are done
    assert all(eventually(lambda number=path.name: gone(int(number))) for path in tmp_path.iterdir())


def test_a_worker_decodes_large_photos_within_the_bounds_of_a_trial(tmp_path):
    (tmp_path / "slow.tif").write_bytes(tiff(14_000, 14_000, 100))
    Image.fromarray(np.full((30, 40, 3), 7, np.uint8)).save(tmp_path / "good.tif")
    asked = [
        (tmp_path / "slow.tif", 0.01, 6 << 30),
        (tmp_path / "good.tif", 60.0, 6 << 30),
        (tmp_path / "slow.tif", 60.0, 500_000_000),
        (tmp_path / "good.tif", 60.0, 6 << 30),
    ]
    with Pool(jobs.width_within, lambda _: 1, 10, 1) as pool:
        slow, good, large, again = pool.answers(asked)
    with pytest.raises(WorkerEnded):
        slow.result()
    assert good.result() == again.result() == 40
    if os.name == "posix":
        with pytest.raises(DecodeError) as caught:
            large.result()
        assert caught.value.reason == "too-large"
