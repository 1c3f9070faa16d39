"""Benchmarks at toy size, so that they still run when somebody wants their figures."""

from __future__ import annotations

import ast
import runpy
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import TINY, picture
from tests.report.test_html import STUDY
from tests.verify.test_verdict import cell
from unlearnable.report import ArmName, RanksRecord

BENCH = Path(__file__).parents[2] / "tools" / "bench"
POSTS = Path(__file__).parents[2] / "examples" / "photos"
TOY = {
    "authors": ("--model", "toy", "--photos", "2", "--rounds", "1"),
    "frozen": ("toy", "--photos", "2"),
    "storage": ("--photos", "40", "--scale-to", "80", "--side", "32", "--changed", "2"),
}


@pytest.mark.parametrize("name", TOY)
def test_a_benchmark_prints_its_table(name, monkeypatch, capsys):
    monkeypatch.setattr("open_clip.factory._MODEL_CONFIGS", {"toy": TINY})
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *TOY[name]])
    runpy.run_path(str(BENCH / f"{name}.py"), run_name="__main__")
    figures = [word for word in capsys.readouterr().out.split() if word.replace(".", "").isdigit()]
    assert len(figures) >= 2
    assert any(float(figure) > 0 for figure in figures)


@pytest.mark.parametrize("script", sorted((BENCH.parent).rglob("*.py")), ids=lambda path: path.stem)
def test_what_a_script_takes_from_the_package_is_there(script):
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unlearnable"):
            module = import_module(node.module or "")
            for name in (one.name for one in node.names):
                assert hasattr(module, name) or find_spec(f"{node.module}.{name}"), f"{node.module} has no {name}"


def test_the_effect_of_two_protections_is_pooled(tmp_path, monkeypatch, capsys):
    """Of 40 people clean posts teach 30, the first protection leaves 20 of them, the second 10; 10 are in any order."""
    for number, left in enumerate((20, 10)):
        cells = []
        counts: dict[ArmName, int] = {"clean": 30, "protected": left}
        for data, found in counts.items():
            ranks = [1] * found + [40] * (40 - found)
            record = RanksRecord(image_to_text=ranks, text_to_image=ranks)
            cells.append(cell(data, found / 40 * 100).model_copy(update={"ranks": record}))
        (tmp_path / str(number)).mkdir()
        report = STUDY.model_copy(update={"cells": cells})
        (tmp_path / str(number) / "report.json").write_text(report.model_dump_json())
    monkeypatch.setattr(sys, "argv", ["pooled.py", *(str(tmp_path / name) for name in "01")])
    runpy.run_path(str(BENCH / "pooled.py"), run_name="__main__")
    *_, line = capsys.readouterr().out.splitlines()
    *_, clean, protected, effect, between, _ = (part.strip() for part in line.split("|"))
    assert (clean, protected, effect) == ("75.0", "37.5", "0.75")
    low, high = map(float, between.split(" to "))
    assert low < 0.75 < high


def test_a_model_is_asked_for_those_who_post_together_among_others(tmp_path, monkeypatch, capsys):
    draws, together, laid_out = 1, 2, (4, 4, 1, 1)
    for number, person in enumerate(("Ada", "Ben", "Cleo")):
        (tmp_path / "people" / person).mkdir(parents=True)
        for photo in range(5):
            Image.fromarray(picture(10 * number + photo, 48, 48)).save(tmp_path / "people" / person / f"{photo}.png")
    script, last = str(BENCH / "alone.py"), tmp_path / "draws" / str(draws - 1)
    lay_out = ["lay-out", "--data", str(tmp_path / "people"), "--output", str(last.parent), "--draws", str(draws)]
    monkeypatch.setattr(sys, "argv", ["alone.py", *lay_out, "--people", str(together), "--sizes", "2", "2", "1"])
    runpy.run_path(script, run_name="__main__")
    counts = tuple(len(list((last / name).glob("*.png"))) for name in ("mine", "held", "others", "others-held"))
    assert counts == laid_out
    given = ["ask", str(last), "--posts", "none", "mine", "--victims", "resnet-small"]
    monkeypatch.setattr(sys, "argv", ["alone.py", *given])
    capsys.readouterr()
    runpy.run_path(script, run_name="__main__")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[2] for line in lines] == ["none", "mine"]
    assert all(0 <= float(line[5]) <= float(line[6]) == 100 and 1 <= float(line[7]) <= 3 for line in lines)
