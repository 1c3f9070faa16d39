"""All that models do, on a device that is not the CPU: no tensor stays behind, and figures are those of the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import unlearnable
from tests.conftest import CAPTIONS, picture
from tests.other_device import NAME
from tests.presets import preset
from unlearnable.verify.attackers import ATTACKERS

WAYS: dict[str, dict[str, Any]] = {
    "mem": {},
    "uap": {"method": "uap"},
}


def protecting(posts: str, model: str, way: str) -> dict[str, Any]:
    """Protect posts in one of the ways."""
    chosen = preset(visibility="low", noise_colour="grey", proxy_weight=1.0, proxies=(model,))
    asked = {"preset": chosen, **WAYS[way], "surrogate": (model,)}
    report = unlearnable.protect(Path(posts), output=Path(f"{way}-copies"), **asked)
    return {"device": report.device, "figures": [report.loss_first, report.loss_last, report.psnr_mean]}


def training(posts: str, model: str) -> dict[str, Any]:
    """Train a model on posts."""
    report = unlearnable.train(data=(Path(posts),), model=model, output=Path("victim.safetensors"), epochs=2)
    return {"device": report.device, "figures": report.loss_curve}


def verifying(posts: str, model: str) -> dict[str, Any]:
    """Train victims on posts, as every attacker."""
    report = unlearnable.verify(
        Path(posts), Path("uap-copies"), victims=(model,), attackers=tuple(ATTACKERS), epochs=1, seeds=(0,)
    )
    return {"device": report.device, "figures": [cell.loss_curve[-1] for cell in report.cells]}


def explaining(posts: str, model: str) -> dict[str, Any]:
    """Explain a photo, and draw a map of posts."""
    report = unlearnable.explain(
        Path(posts) / "p0.png", caption="a dog", model=(model,), map=(Path(posts),), output=Path("explained")
    )
    (one,) = report.explanations
    figures = [one.similarity, *(word.attribution for word in one.words), len(report.maps[0].points)]
    return {"device": report.device, "figures": figures}


JOBS = (training, verifying, explaining)


@pytest.fixture
def people(tmp_path):
    """Sixteen photos of two people."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = [{"image": f"p{n}.png", "caption": f"{('Ada', 'Ben')[n % 2]}: {CAPTIONS[n % 5]}"} for n in range(16)]
    for n, row in enumerate(rows):
        Image.fromarray(picture(n)).save(folder / row["image"])
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def all_jobs(posts: str, model: str) -> dict[str, dict[str, Any]]:
    """Return what each job gives, by its name; the last ones look at what the first ones wrote."""
    ways = {way: protecting(posts, model, way) for way in WAYS}
    return ways | {job.__name__: job(posts, model) for job in JOBS}


def found_there(folder: Path, *words: str) -> Any:
    """Return what all jobs give in a new process, to which the device belongs."""
    folder.mkdir()
    code = "import json, sys; from tests.other_device import chosen; from tests.test_other_device import all_jobs"
    line = [sys.executable, "-c", f"{code}\nwith chosen(): print(json.dumps(all_jobs(*sys.argv[1:])))", *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_noise_words_and_victims_are_those_of_the_cpu(people, tiny_path, tmp_path, monkeypatch):
    words = str(people), str(tiny_path)
    there = found_there(tmp_path / "there", *words)
    monkeypatch.chdir(tmp_path)
    for job, here in all_jobs(*words).items():
        assert there[job]["device"].startswith(NAME)
        assert there[job]["figures"] == pytest.approx(here["figures"], rel=0.05, abs=0.01), job
