"""Small runs of each command that killed ones are compared with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import unlearnable
from tests.conftest import CAPTIONS, TINY, picture, tree
from tests.presets import preset
from unlearnable.benchmark import run as benchmark_run
from unlearnable.models.dual_encoder import build
from unlearnable.models.openclip import save

PHOTOS = 5
QUICK: dict[str, Any] = {"preset": preset(max_rounds=3, noise_steps=4, surrogate_steps=4, batch_size=4)}
BRIEF: dict[str, Any] = {"epochs": 2, "lr": 1e-3}
OF_THIS_RUN = frozenset({"report.json", "report.html", "run.toml"})
OF_THIS_TRIAL = frozenset({"seconds", "output", "ran", "reused", "sha256_of_rest"})  # and sums over these


@dataclass(frozen=True)
class Scenario:
    """A run of a command, which may be killed and resumed."""

    name: str
    lay: Callable[[Path], None]  # lays what the run finds into its folder
    start: Callable[[Path], object]
    resume: Callable[[Path], object]
    go_on: Callable[[Path], object]  # resumes it, or begins it anew where there is nothing to resume
    product: Callable[[Path], dict[str, bytes]]  # what it made, by path, without what differs from run to run


def lay_out(folder: Path) -> None:
    """Make the posts, an earlier result and a model of random weights in a folder."""
    photos = folder / "photos"
    write_posts(photos, range(PHOTOS))
    write_posts(folder / "held-out", range(PHOTOS, 2 * PHOTOS))
    write_posts(folder / "flickr8k", range(2 * PHOTOS), "captions.jsonl")
    torch.manual_seed(0)
    model = build("tiny", TINY, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    model.module.eval()
    save(model, folder / "tiny.safetensors")
    unlearnable.protect(photos, output=folder / "earlier", surrogate=str(folder / "tiny.safetensors"), seed=7, **QUICK)


def write_posts(folder: Path, numbers: range, captions: str = "posts.jsonl") -> None:
    """Write photos and their captions; the first `PHOTOS` are in the split to train on."""
    folder.mkdir(parents=True)
    rows = []
    for number in numbers:
        Image.fromarray(picture(number, 40, 48)).save(folder / f"p{number}.png")
        split = "train" if number < PHOTOS else "test"
        rows.append({"image": f"p{number}.png", "caption": f"{CAPTIONS[number % 5]} {number}", "split": split})
    (folder / captions).write_text("".join(json.dumps(row) + "\n" for row in rows))


def scenarios(home: Path) -> list[Scenario]:
    """Return the runs, on what `lay_out` made at `home`."""
    model, photos, earlier = str(home / "tiny.safetensors"), home / "photos", home / "earlier"

    def protect(folder: Path, **more: Any) -> object:
        return unlearnable.protect(photos, output=folder / "out", surrogate=model, **QUICK, **more)

    def nothing(folder: Path) -> None:
        folder.mkdir(parents=True)

    def an_earlier_result(folder: Path) -> None:
        for name in ("out", "out.private"):
            shutil.copytree(earlier.with_name(name.replace("out", "earlier")), folder / name)

    def train(folder: Path, **more: Any) -> object:
        output = folder / "model.safetensors"
        return unlearnable.train(photos, model=model, output=output, test_fraction=0.0, batch_size=4, **BRIEF, **more)

    def verify(folder: Path) -> object:
        given: dict[str, Any] = {"test": home / "held-out", "victims": (model,), "through": ("png", "jpeg-75"), **BRIEF}
        return unlearnable.verify(photos, earlier, output=folder / "verified", **given)

    def benchmark(folder: Path, **more: Any) -> object:
        given: dict[str, Any] = {"scale": "tiny", "surrogate": model, "victims": (model,), "device": "cpu"}
        benchmark_run.cache_folder = lambda: folder / "cache"  # type: ignore[attr-defined]  # of photos alone
        return unlearnable.benchmark("flickr8k", data=home / "flickr8k", output=folder / "out", **given, **more)

    def going_on(call: Callable[..., object]) -> Callable[[Path], object]:
        def go_on(folder: Path) -> object:
            try:
                return call(folder, resume=True)
            except (unlearnable.CheckpointError, unlearnable.ConfigError, unlearnable.OutputError):
                return call(folder, overwrite=True)

        return go_on

    goes_on, again = (partial(protect, resume=True), going_on(protect)), partial(benchmark, resume=True)
    return [
        Scenario("protect", nothing, protect, *goes_on, _published),
        Scenario("protect --overwrite", an_earlier_result, partial(protect, overwrite=True), *goes_on, _published),
        Scenario("train", nothing, train, partial(train, resume=True), going_on(train), _all),
        Scenario("verify", nothing, verify, verify, verify, _cells),
        Scenario("benchmark", nothing, benchmark, again, again, _all),
    ]


def _published(folder: Path) -> dict[str, bytes]:
    """The copies, and what is private to them but for what holds the time it took, the place, or sums of these."""
    kept = {name: content for name, content in tree(folder).items() if Path(name).name not in OF_THIS_RUN}
    return {**kept, "names of the others": " ".join(sorted(tree(folder).keys() - kept.keys())).encode()}


def _all(folder: Path) -> dict[str, bytes]:
    files = {name: one for name, one in tree(folder).items() if not name.endswith("precision.json")}  # measured times
    return {name: _timeless(one) if name.endswith(".json") else one for name, one in files.items()}


def _cells(folder: Path) -> dict[str, bytes]:
    files = tree(folder)
    return {name: _timeless(content) for name, content in files.items() if "cells" in name}


def _timeless(content: bytes) -> bytes:
    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(one) for key, one in value.items() if key not in OF_THIS_TRIAL}
        return [without(one) for one in value] if isinstance(value, list) else value

    return json.dumps(without(json.loads(content)), sort_keys=True).encode()
