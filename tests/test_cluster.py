"""Shards that are protected on a cluster of this machine alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

SCRIPT = Path(__file__).parents[1] / "examples" / "ray_shards.py"


def photo(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((64, 64)).save(file, "PNG")
    return file.getvalue()


def read_shard(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers()}


def write_shard(path: Path, numbers: range) -> None:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number in numbers:
            for name, content in ((f"p{number}.png", photo(number)), (f"p{number}.txt", b"dog %d" % number)):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))


def test_each_shard_is_a_task_and_finished_ones_stay(tiny_path, tmp_path):
    shards, output = tmp_path / "shards", tmp_path / "out"
    for number in range(2):
        write_shard(shards / f"{number:05d}.tar", range(4 * number, 4 * number + 4))
    (shards / "00002.tar").write_bytes(b"no tar")
    ray = {"RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled", "HOME": str(tmp_path)}
    options = ("--surrogate", tiny_path, "--method", "random")
    output.mkdir()
    write_shard(output / "00001.tar", range(1))
    finished = (output / "00001.tar").read_bytes()
    command_line = list(map(str, [sys.executable, SCRIPT, shards, output, *options]))
    ended = subprocess.run(command_line, capture_output=True, text=True, check=False, timeout=300, env=os.environ | ray)
    lines = sorted(ended.stdout.splitlines())
    assert lines[:2] == ["00000.tar: protected", "00001.tar: protected"], ended.stderr
    assert lines[2].startswith("00002.tar: exit 3: error: ")
    assert ended.returncode == 1
    assert (output / "00001.tar").read_bytes() == finished
    before, after = read_shard(shards / "00000.tar"), read_shard(output / "00000.tar")
    assert before.keys() == after.keys()
    for name in before:
        assert before[name] != after[name]
        assert name.endswith(".png") or before[name] in after[name]
