"""`explain` and `preview` as a shell sees them."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.cli.program import call
from tests.conftest import picture
from tests.presets import presets_file
from unlearnable.report import made_by


def test_protect_look_and_explain(posts, tiny_path, tmp_path):
    file = tmp_path / "quick.toml"
    presets_file(file, max_rounds=3)
    captions = ("--captions", posts / "posts.jsonl")
    made = call("protect", posts, *captions, "--surrogate", tiny_path, "--config", file)
    assert made.returncode == 0, made.stderr
    page = (tmp_path / "photos-protected.private" / "report.html").read_text()
    assert page.count('type="range"') == 8
    copy = tmp_path / "photos-protected" / "p0.png"

    looked = call("preview", posts / "p0.png", copy, "--json", cwd=tmp_path)
    assert looked.returncode == 0, looked.stderr
    report = json.loads(looked.stdout)
    assert report["output"] == "p0-preview.png"
    assert 0 < report["linf"] <= 8
    with Image.open(tmp_path / "p0-preview.png") as image:
        assert image.format == "PNG"

    models = ("--model", tiny_path, "--model", tiny_path)
    arguments = ("explain", copy, *models, "--map", tmp_path / "photos-protected", "--output", tmp_path / "seen")
    explained = call(*arguments, "--json")
    assert explained.returncode == 0, explained.stderr
    report = json.loads(explained.stdout)
    assert report["made_by"] == made_by()
    assert len(report["explanations"]) == len(report["maps"]) == 2
    assert report["trigger"]
    assert 0 < report["explanations"][0]["trigger_share"] < 1
    assert set(report["files"]) == {"attention.png", "attention.svg", "map.png", "map.svg"}
    assert all((tmp_path / "seen" / name).stat().st_size > 1000 for name in report["files"])

    shown = call(*arguments, "--overwrite", env={"COLUMNS": "80"})
    assert shown.returncode == 0, shown.stderr
    lines = [line for line in shown.stdout.splitlines() if not line.startswith("written to ")]
    assert max(map(len, lines)) <= 80
    assert "trigger" in shown.stdout


def test_what_an_encoding_changes_is_not_called_noise(tmp_path):
    for name, quality in (("photo.jpg", 95), ("copy.jpg", 20)):
        Image.fromarray(picture(0, 64, 64)).save(tmp_path / name, quality=quality)
    looked = call("preview", "photo.jpg", "copy.jpg", "--output", "looked.png", cwd=tmp_path)
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.startswith("pixels changed by at most ")
    assert "noise" not in looked.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("preview", "photos/p0.png", "small.png"), 3, "sizes differ"),
        (("explain", "photos/p0.png"), 2, "model"),
        (("explain", "photos/p0.png", "--model", "small"), 2, "--caption"),
        (("explain", "photos/p0.png", "--caption", "a dog", "--model", "RN50:openai"), 4, "small"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, tmp_path, arguments, code, words):
    Image.fromarray(picture(0, 20, 20)).save(tmp_path / "small.png")
    result = call(*arguments, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
