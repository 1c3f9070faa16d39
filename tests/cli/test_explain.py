"""`explain` and `preview` as a shell sees them."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tomllib

import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.cli.test_protect import FILE, run
from tests.conftest import picture
from unlearnable.cli import explain as command
from unlearnable.cli.app import app
from unlearnable.config import ExplainSettings


def test_protect_look_and_explain(posts, tiny_path, tmp_path):
    file = tmp_path / "quick.toml"
    file.write_text(FILE + "max_rounds = 3\n")
    made = run("protect", posts, "--captions", posts / "posts.jsonl", "--surrogate", tiny_path, "--config", file)
    assert made.returncode == 0, made.stderr
    assert "by round" in made.stdout
    page = (tmp_path / "photos-protected.private" / "report.html").read_text()
    assert page.count('type="range"') == 8
    copy = tmp_path / "photos-protected" / "p0.png"

    looked = run("preview", posts / "p0.png", copy, "--json", cwd=tmp_path)
    assert looked.returncode == 0, looked.stderr
    report = json.loads(looked.stdout)
    assert report["output"] == "p0-preview.png"
    assert 0 < report["linf"] <= 8
    with Image.open(tmp_path / "p0-preview.png") as image:
        assert image.format == "PNG"

    models = ("--model", tiny_path, "--model", tiny_path)
    arguments = ("explain", copy, *models, "--map", tmp_path / "photos-protected", "--output", tmp_path / "seen")
    explained = run(*arguments, "--json")
    assert explained.returncode == 0, explained.stderr
    report = json.loads(explained.stdout)
    assert len(report["explanations"]) == len(report["maps"]) == 2
    assert report["trigger"]
    assert 0 < report["explanations"][0]["trigger_share"] < 1
    assert set(report["files"]) == {"attention.png", "attention.svg", "map.png", "map.svg"}
    assert all((tmp_path / "seen" / name).stat().st_size > 1000 for name in report["files"])

    shown = run(*arguments, "--overwrite", "--quiet", env={**os.environ, "COLUMNS": "80"})
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = [line for line in shown.stdout.splitlines() if not line.startswith("written to ")]
    assert max(map(len, lines)) <= 80
    assert "trigger" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("preview", "photos/p0.png", "small.png"), 3, "sizes differ"),
        (("explain", "photos/p0.png"), 2, "model"),
        (("explain", "photos/p0.png", "--model", "small"), 2, "--caption"),
        (("explain", "photos/p0.png", "--caption", "a dog", "--model", "RN50:openai"), 4, "small"),
        (("explain", "photos/p0.png", "--model", "small", "--map-posts", "1"), 2, "map_posts"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, tmp_path, arguments, code, words):
    Image.fromarray(picture(0, 20, 20)).save(tmp_path / "small.png")
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_without_the_extra_there_is_one_line_with_the_command(posts):
    block = "import sys; sys.modules['captum'] = None; "
    start = "sys.argv = ['unlearnable', 'explain', 'p0.png', '--caption', 'x', '--model', 'small']; "
    code = f"{block}{start}from unlearnable.cli.app import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=posts)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "error: captum is not installed",
        "hint: pip install 'unlearnable[explain]'",
    ]


VALUES = {
    "photo": "p.png", "caption": "a dog", "trigger": "one two", "model": ["a", "b"], "map": ["x", "y"],
    "map_captions": ["c", "d"], "map_posts": 5, "output": "o", "seed": 8, "device": "cpu",
}  # fmt: skip


def test_every_option_reaches_the_settings(tmp_path):
    assert set(inspect.signature(command.explain).parameters) & set(ExplainSettings.model_fields) == set(VALUES)
    arguments = ["explain", VALUES["photo"], "--print-config"]
    for name, value in VALUES.items():
        if name != "photo":
            for one in value if isinstance(value, list) else [value]:
                arguments += [f"--{name.replace('_', '-')}", str(one)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert tomllib.loads(result.output) == VALUES
    (tmp_path / "run.toml").write_text(result.output)
    again = CliRunner().invoke(app, ["explain", "--print-config", "--config", str(tmp_path / "run.toml")])
    assert again.output == result.output
