"""Shards protected on a cluster of this machine alone, as docs/guide/cluster.md has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import FILE, POSIX, call
from tests.conftest import tree
from tests.shards import post, write_tar

SCRIPT = Path(__file__).parents[1] / "examples" / "ray_shards.py"
GUIDE = Path(__file__).parents[1] / "docs" / "guide" / "cluster.md"


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "shards"
    for shard in range(2):
        numbers = range(4 * shard, 4 * shard + 4)
        write_tar(
            folder / f"{shard:05d}.tar", {name: one for n in numbers for name, one in post(n, f"dog {n}").items()}
        )
    (folder / "00002.tar").write_bytes(b"no tar")
    return folder


def test_each_shard_is_a_task_with_the_bytes_of_a_run_of_its_own(shards, tiny_path, tmp_path):
    (tmp_path / "quick.toml").write_text(FILE)
    options = ("--surrogate", tiny_path, "--config", tmp_path / "quick.toml", "--max-rounds", "1")
    ray = {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled"}
    environment = os.environ | ray | {"HOME": str(tmp_path)}
    command_line = [sys.executable, SCRIPT, shards, tmp_path / "out", *options]
    assert call("protect", shards / "00000.tar", "--output", tmp_path / "alone" / "00000", *options).returncode == 0
    assert call("protect", shards / "00001.tar", "--output", tmp_path / "out" / "00001", *options).returncode == 0
    there = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "00001").rglob("*")}
    ended = subprocess.run(
        list(map(str, command_line)), capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    lines = sorted(ended.stdout.splitlines())
    assert lines[:2] == ["00000.tar: protected", "00001.tar: protected"], ended.stderr
    assert lines[2].startswith("00002.tar: exit 3: error: ")
    assert ended.returncode == 1
    assert tree(tmp_path / "out" / "00000") == tree(tmp_path / "alone" / "00000")
    assert there == {path: path.stat().st_mtime_ns for path in there}  # what is done stays as it is


KILLING = """
import os, signal, sys
if "protect" in sys.argv and any(one.endswith("00000.tar") for one in sys.argv):
    os.kill(os.getppid(), signal.SIGKILL)
"""
"""Of the shard 00000 every process ends the worker that started it, as Ray does where memory is short."""


def test_a_shard_whose_workers_die_does_not_end_the_others(shards, tmp_path):
    (tmp_path / "killing").mkdir()
    (tmp_path / "killing" / "sitecustomize.py").write_text(KILLING.replace("sys.argv", "sys.orig_argv"))
    ray = {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled", "HOME": str(tmp_path)}
    path = os.pathsep.join([str(tmp_path / "killing"), os.environ.get("PYTHONPATH", "")])
    command_line = [sys.executable, str(SCRIPT), str(shards), str(tmp_path / "out"), "--no-such-option"]
    ended = subprocess.run(
        command_line,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | ray | {"PYTHONPATH": path},
    )
    lines = sorted(line for line in ended.stdout.splitlines() if line.startswith("0000"))  # Ray says more
    assert [line.partition(": ")[0] for line in lines] == ["00000.tar", "00001.tar", "00002.tar"], ended.stderr
    assert lines[0].startswith("00000.tar: lost: ")
    assert ended.returncode == 1


@POSIX
@pytest.mark.parametrize("own", ["", "scratch"])
def test_the_script_for_slurm_gives_each_task_a_shard_and_a_state_of_its_own(own, tmp_path):
    (script,) = re.findall(r"```sh\n(#!/bin/sh\n#SBATCH.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "unlearnable").write_text('#!/bin/sh\necho "$UNLEARNABLE_STATE" "$@"\n')
    (tmp_path / "unlearnable").chmod(0o755)
    slurm = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_JOB_ID": "1234"} | ({"SLURM_TMPDIR": own} if own else {})
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | slurm
    said = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True, env=environment).stdout
    protect = "protect shards/00007.tar --output protected/00007 --resume --quiet"
    assert said == f"{own or '/tmp'}/unlearnable-1234 {protect}\n"
