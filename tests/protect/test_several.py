"""`protect` in several processes: they come to what one comes to, end together, and go on together."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from PIL import Image

from tests.cli.program import call
from tests.conftest import CAPTIONS, picture, tree
from tests.forked import Forked
from tests.presets import environment, preset

CHILD = """
import json, sys
from unlearnable.storage import checkpoint
from unlearnable.cli.app import main
checkpoint.SOON = 0
sys.argv = ["unlearnable", *json.loads(sys.argv[1])]
main()
"""
Child = partial(Forked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
CHANGES = {  # and a proxy that is loaded at once
    "proxy_weight": 3.0,
    "proxy_tuning_steps": 2,
    "surrogate_steps": 8,  # in training each process normalises its half, until another word is best
    "batch_size": 5,  # which two processes cannot share evenly
    "max_rounds": 3,
}


def start(folder, model, chosen, output, *options, second=None):
    """Start two processes that protect the photos of the folder together; the second may see another folder."""
    arguments = [
        "--surrogate",
        str(model),
        "--output",
        str(folder / output),
        "--device=cpu",
        "--json",
        "--preset",
        chosen,
        *options,
    ]
    port = str(20_000 + (7 * os.getpid() + len(output)) % 20_000)
    base = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    base |= {"WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "true"}
    return [
        Child(
            [sys.executable, "-c", CHILD, json.dumps(["protect", str(seen / "photos"), *arguments])],
            env=base | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank, seen in enumerate((folder, second or folder))
    ]


def ended(children):
    """Return the report of the first process, once all have ended well and said nothing else."""
    outputs = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [0] * len(children), outputs
    assert all(text == "" for text, _ in outputs[1:])
    assert not any("deprecated" in errors for _, errors in outputs)
    return json.loads(outputs[0][0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of a few photos: with fewer, one sign of a gradient shows in the loss."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "photos").mkdir()
    rows = [{"file_name": f"{n}.png", "text": f"{CAPTIONS[n % 5]} {n}"} for n in range(12)]
    for number, row in enumerate(rows):
        Image.fromarray(picture(number)).save(folder / "photos" / row["file_name"])
    (folder / "photos" / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="module")
def chosen(tiny_path):
    """The preset of every process."""
    return preset(**CHANGES, proxies=(str(tiny_path),))


@pytest.fixture(scope="module")
def run(folder, tiny_path, chosen):
    """Start two processes on that folder: the output, options."""
    return partial(start, folder, tiny_path, chosen)


@pytest.fixture(scope="module")
def two(folder, tiny_path, chosen):
    """The report of two processes."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    run = [
        "tests.presets",
        "protect",
        folder / "photos",
        "--surrogate",
        tiny_path,
        "--output",
        folder / "two",
        "--json",
        "--preset",
        chosen,
    ]
    command_line = [*launch, *map(str, run)]
    return ended([Child(command_line, env=environment())])


def test_two_processes_come_to_the_loss_of_one(two, folder, tiny_path, chosen):
    arguments = ("protect", folder / "photos", "--surrogate", tiny_path, "--output", folder / "one", "--preset", chosen)
    one = json.loads(call(*arguments, "--device=cpu", "--json").stdout)
    assert two["loss_rounds"] == pytest.approx(one["loss_rounds"], rel=0.02)
    assert tree(folder / "two").keys() == tree(folder / "one").keys()


def test_what_is_finished_already_ends_all_processes(run, two):
    assert ended(run("two", "--resume")) == two


def test_a_run_of_two_that_was_killed_goes_on_with_two(run, two, folder):
    children = run("out")
    while not (folder / "out.private" / "checkpoint" / "state.pt").is_file():
        assert all(child.poll() is None for child in children)
        time.sleep(0.01)
    for child in children:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert ended(run("out", "--resume"))["loss_rounds"] == two["loss_rounds"]
    assert tree(folder / "out") == tree(folder / "two")


def test_a_process_that_sees_fewer_photos_is_refused(run, folder, tmp_path):
    shutil.copytree(folder / "photos", tmp_path / "photos")
    (tmp_path / "photos" / "3.png").unlink()
    children = run("seen", second=tmp_path)
    outputs = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [2, 0], outputs
    assert json.loads(outputs[0][0])["error"].startswith("process 1 cannot take part: it would protect other photos")
    assert not (folder / "seen").exists()
