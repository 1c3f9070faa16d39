"""The first thing a newcomer does: protect the examples with the bundled model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from unlearnable.imaging.decode import decode

EXAMPLES = Path(__file__).parents[1] / "examples"

SOONER = """
from dataclasses import replace
from unlearnable.cli.app import main
from unlearnable.settings import PRESETS
PRESETS["balanced"] = replace(PRESETS["balanced"], max_rounds=2, proxy_tuning_steps=4)
main()
"""  # all else is the default


@pytest.mark.slow
def test_the_examples_are_protected_offline(tmp_path):
    command = [sys.executable, "-c", SOONER, "protect", EXAMPLES / "photos"]
    command += ["--captions", EXAMPLES / "posts.jsonl", "--output", tmp_path / "out", "--json", "--quiet"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["protected"] == report["photos"] == 14
    assert report["trigger_roundtrip"] == 1.0
    assert report["loss_last"] <= report["loss_first"] / 10
    assert report["psnr_mean"] >= 31
    for line in (tmp_path / "out.private" / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        before = decode(EXAMPLES / "photos" / row["source"]).pixels.astype(int)
        after = decode(tmp_path / "out" / row["output"]).pixels.astype(int)
        assert before.shape == after.shape
        assert 0 < row["noise_linf"] <= 8
        assert np.abs(before - after).max() == row["linf"]
        assert Path(row["output"]).suffix == Path(row["source"]).suffix
        if row["quality"] is None:
            assert row["linf"] == row["noise_linf"]
        else:
            assert row["noise_kept"] > 0.5
    assert report["bytes_out"] <= 1.5 * report["bytes_in"]


def test_every_example_photo_has_a_licence_and_a_caption():
    photos = {str(p.relative_to(EXAMPLES / "photos")) for p in (EXAMPLES / "photos").rglob("*") if p.is_file()}
    licences = (EXAMPLES / "LICENSES.md").read_text(encoding="utf-8")
    captioned = {json.loads(row)["image"] for row in (EXAMPLES / "posts.jsonl").read_text("utf-8").splitlines()}
    assert len(photos) >= 12
    assert captioned == {f"photos/{photo}" for photo in photos}
    assert all(f"`{photo}`" in licences for photo in photos)
