"""A flipped bit in what a run goes on from is named, or what it stands in is made again: never other photos."""

from __future__ import annotations

import random
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import tree
from tests.presets import preset
from tests.protect.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import CheckpointError
from unlearnable.storage import checkpoint

STATE = ("state.pt", "noise.i8", "key")


def flip(path: Path, seed: int) -> None:
    content, chance = bytearray(path.read_bytes()), random.Random(seed)
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


@pytest.fixture
def run(posts, tiny_path, tmp_path):
    def protect_posts(name, **options):
        given = {"captions": posts / "posts.jsonl", "surrogate": (str(tiny_path),), **QUICK, **options}
        return protect(posts, output=tmp_path / name, **given)

    return protect_posts


def stopped(run, monkeypatch, name, module, function, *, after=1):
    """Run until a function was called so many times."""
    genuine, calls = getattr(module, function), []

    def stop(*arguments):
        result = genuine(*arguments)
        calls.append(result)
        if len(calls) == after:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "EVERY", 0)
        patch.setattr(module, function, stop)
        with pytest.raises(KeyboardInterrupt):
            run(name)


def refusal(run):
    try:
        run("broken", resume=True)
    except CheckpointError as error:
        return error


@pytest.mark.parametrize("name", STATE)
def test_a_flipped_bit_in_the_state_of_a_stopped_run_is_named_or_changes_nothing(
    run, tiny_path, monkeypatch, tmp_path, name
):
    chosen = preset(proxy_weight=1.0, proxy_tuning_steps=2, proxies=(str(tiny_path),))
    run = partial(run, preset=chosen)
    run("whole")
    stopped(run, monkeypatch, "broken", checkpoint, "save", after=6)
    folder = tmp_path / "broken.private"
    shutil.copytree(folder, tmp_path / "kept")
    run("broken", resume=True)
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
    refused = 0
    for seed in range(2):
        shutil.rmtree(folder)
        shutil.rmtree(tmp_path / "broken", ignore_errors=True)
        shutil.copytree(tmp_path / "kept", folder)
        flip(folder / "checkpoint" / name, seed)
        if error := refusal(run):
            assert error.exit_code == 6
            assert re.search(r"state\.(fixed\.)?pt|noise\.i8|broken\.private", error.message)
            refused += 1
        else:
            assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
    assert refused >= 1
