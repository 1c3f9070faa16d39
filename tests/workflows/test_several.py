"""`protect` in several processes: they come to what one comes to, end together, and go on together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import tree

CHILD = """
import json, sys
from unlearnable import checkpoint
from unlearnable.cli.app import main
checkpoint.SOON = 0
sys.argv = ["unlearnable", *json.loads(sys.argv[1])]
main()
"""
# batches of three, which two processes cannot share evenly
ADVERSARIES = {"UNLEARNABLE_ADVERSARIAL_WEIGHT": "3", "UNLEARNABLE_ADVERSARY_STEPS": "2", "UNLEARNABLE_BATCH_SIZE": "3"}


@pytest.fixture
def start(posts, tiny_path, tmp_path):
    """Start so many processes that protect the photos together."""

    def start(count, output, *options, **environment):
        arguments = ["protect", str(posts), "--surrogate", str(tiny_path), "--output", str(tmp_path / output)]
        arguments += ["--device=cpu", "--max-rounds=3", "--json", *options]
        port = str(20_000 + (os.getpid() + len(output)) % 20_000)
        base = os.environ | {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        base |= {"WORLD_SIZE": str(count), "ACCELERATE_USE_CPU": "true", **ADVERSARIES, **environment}
        return [
            subprocess.Popen(
                [sys.executable, "-c", CHILD, json.dumps(arguments)],
                env=base | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(count)
        ]

    return start


def ended(children):
    """Return the report of the first process, once all have ended well and the others without a word."""
    outputs = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [0] * len(children), outputs
    assert all(text == "" for text, _ in outputs[1:])
    return json.loads(outputs[0][0])


def test_two_processes_come_to_the_loss_of_one(start, tmp_path):
    one, two = ended(start(1, "one")), ended(start(2, "two"))
    assert two["loss_rounds"] == pytest.approx(one["loss_rounds"], rel=0.02)
    assert tree(tmp_path / "two").keys() == tree(tmp_path / "one").keys()


def test_what_is_finished_already_ends_all_processes(start):
    first = ended(start(2, "out"))
    assert ended(start(2, "out", "--resume")) == first


def test_a_run_of_two_that_was_killed_goes_on_with_two(start, tmp_path):
    whole = ended(start(2, "whole"))
    children = start(2, "out")
    checkpoint = tmp_path / "out.private" / "checkpoint" / "state.pt"
    while not checkpoint.is_file():
        assert all(child.poll() is None for child in children)
        time.sleep(0.01)
    for child in children:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    resumed = ended(start(2, "out", "--resume"))
    assert resumed["loss_rounds"] == whole["loss_rounds"]
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_plan_is_made_by_the_first_process_alone(start):
    assert ended(start(2, "out", "--dry-run"))["photos"] == 8
