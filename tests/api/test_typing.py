"""What a type checker says to a user of the package: right calls and those in the docs pass, wrong ones do not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import unlearnable

ROOT = Path(__file__).parents[2]
RIGHT = f"""
from pathlib import Path
from PIL import Image
from unlearnable import {", ".join(unlearnable.__all__)}


class Counting:
    def phase(self, name: str, total: int) -> None: ...
    def advance(self, steps: int = 1, **metrics: float) -> None: ...
    def note(self, text: str) -> None: ...


report: ProtectReport = protect("photos", captions=Path("posts.jsonl"), surrogate="small", preset="strong", seed=3)
protect(Path("photos"), surrogate=("small", Path("mine.safetensors")), progress=Counting(), config="run.toml")
mean: float = report.psnr_mean
trained: TrainReport | None = train(["a", Path("b")], captions=["a.csv", "b.csv"], model="vit-small", lr=1e-3, epochs=2)
digest: str = trained.sha256 if trained else ""
study = verify("a", "b", victims="small", through=["png", "jpeg-75"], seeds=(0, 1), require="effect>=0.9", test=None)
effects: list[float | None] = [finding.effect for finding in study.findings]
made = benchmark("flickr8k", methods=("clean", "mem-3"), fractions=0.5, scale="tiny", progress=Silent())
tables = made.tables if made else []
shares = explain("a.png", model="small", map=["a", "b"]).explanations[0].trigger_share
shown: PreviewReport = preview("a.png", "b.png", overwrite=True)
for image, caption in protect_images([Image.new("RGB", (64, 64))], ["me"], preset="fast"):
    words: str = caption
once: ImageProtector = ImageProtector(surrogate="small", seed=3)
plan = ProtectPlan.model_validate_json("{{}}")


def strongly(photos: str, progress: Progress) -> str:
    try:
        return protect(photos, progress=progress).output
    except ConfigError as error:
        return f"{{error.message}} {{error.hint}} {{error.exit_code}} {{__version__}}"
"""
WRONG = """
from unlearnable import NothingReport, Silent, __all__, benchmark, explain, preview, protect, train, verify
import unlearnable

protect()
protect("photos", progress=print)
train("photos").sha256
train(3)
verify("a")
preview("a.png", "b.png", config="run.toml")
unlearnable.protect_images(["a.png"], ["me"])
protect("photos").psnr
unlearnable.nothing
Silent().phase("reading")
"""


@pytest.mark.slow
def test_right_calls_pass_and_each_wrong_one_is_found(tmp_path: Path):
    pytest.importorskip("mypy", reason="it comes with the extra dev")
    page = (ROOT / "docs" / "reference" / "python-api.md").read_text(encoding="utf-8")
    shown = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    for name, text in (("right", RIGHT), ("wrong", WRONG), ("shown", shown)):
        (tmp_path / f"{name}.py").write_text(text)
    pages = [str(tmp_path / f"{name}.py") for name in ("right", "wrong", "shown")]
    result = subprocess.run(  # from here, with what the checks of the project itself have found out and kept
        [sys.executable, "-m", "mypy", *pages], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 1, result.stdout + result.stderr
    errors = re.findall(r"(\w+)\.py:(\d+): error: ", result.stdout, re.MULTILINE)
    lines = WRONG.splitlines()
    found = {int(number) for name, number in errors if name == "wrong"}
    unfound = {number for number, line in enumerate(lines, 1) if line} - found
    assert [lines[number - 1] for number in sorted(unfound)] == ["import unlearnable"]
    assert {name for name, _ in errors} == {"wrong"}, result.stdout
