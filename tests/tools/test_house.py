"""The measures of the house, on small trees made up for them, and on the project itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tools import house

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path):
    """Write the given files of a package, with an `__init__.py` in every folder, and return the root of its project."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "unlearnable" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        for folder in {path.parent for path in tmp_path.rglob("*.py")} | {tmp_path / "unlearnable"}:
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
        return tmp_path

    return write


def one(root: Path, name: str) -> house.Measure:
    (found,) = [measure for measure in house.measure(root) if measure.name == name]
    return found


def test_lines_files_words_options_and_settings_are_counted(make):
    settings = "class XSettings(Base):\n    a: int = 1\n    kind: ClassVar[str] = 'x'\n    b: float = 2\n"
    root = make({"a.py": "import os\nx = 1\n", "settings/x.py": settings})
    for name, text in {
        "tests/test_a.py": "x = 1\n" * 3,
        "README.md": "five words of a README",
        "docs/index.md": "two words",
        "docs/reference/cli.md": "| `--version` |\n\n## protect\n\n| `--a` |\n| `PHOTOS` |\n\n## verify\n\n| `--c` |\n",
        "docs/design/decisions/0001-a.md": "# 0001: A",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    values = {measure.name: measure.value for measure in house.measure(root)}
    assert (values["lines of the package"], values["files of the package"], values["lines of tests"]) == (6, 4, 3)
    assert (values["words of README"], values["words of docs by hand"], values["decisions"]) == (5, 10, 1)
    assert (values["settings"], values["options of protect"], values["options of all commands"]) == (2, 1, 3)
    assert values["imports, per mille of lines"] == round(1000 / 6)


@pytest.mark.parametrize(
    "statement",
    ["from unlearnable import b", "import unlearnable.b as other", "from . import b", "def f():\n    from .b import x"],
)
def test_a_circle_is_found_however_it_is_imported(make, statement):
    root = make({"a.py": f"{statement}\n", "b.py": "from unlearnable.c import x\n", "c.py": "import unlearnable.a\n"})
    assert one(root, "import circles").found == ("unlearnable.a -> unlearnable.b -> unlearnable.c -> unlearnable.a",)


def test_what_is_defined_twice_or_too_long_is_found(make):
    """Signature and docstring are free in the command line alone."""
    options = "\n".join(["def f(", *[f"    o{n}: int," for n in range(90)], ") -> None:"])
    long = f'{options}\n    """Protect."""\n' + "    x = 1\n" * 80
    root = make(
        {"a.py": "class A: ...\n", "b.py": "\nclass A: ...\n", "c.py": long, "cli/a.py": long, "d.py": "x = 1\n" * 501}
    )
    assert one(root, "class names defined twice").found == (
        "unlearnable/a.py:1: class A is also at unlearnable/b.py:2",
    )
    assert one(root, "functions over 80 lines").found == ("unlearnable/c.py:1: f has 173 lines",)
    assert one(root, "files over 500 lines").found == ("unlearnable/d.py: 501 lines",)


def test_phrases_that_nobody_would_say_are_found(make):
    root = make({"a.py": "# photos of\n# which some are gone, and two towers\n", "b.py": "# a powerful tool\n"})
    assert house.forbidden("Photos of\nwhich") == ["of which"]
    assert one(root, "files with forbidden phrases").found == ("unlearnable/a.py: towers",)


def test_a_measure_above_its_limit_fails_the_check_alone(make, capsys, monkeypatch):
    root = make({"a.py": "class A: ...\n", "b.py": "class A: ...\n"})
    monkeypatch.setattr(house, "LIMITS", {**house.LIMITS, "class names defined twice": 0})
    assert house.main(["--root", str(root)]) == 0
    assert house.main(["--root", str(root), "--check"]) == 1
    assert "class A is also at" in capsys.readouterr().out


def test_limits_fall_to_the_figures_and_no_lower_than_the_budget(monkeypatch):
    monkeypatch.setattr(house, "LIMITS", {"decisions": 40, "settings": 90, "words of README": 460})
    measures = [house.Measure("decisions", 12), house.Measure("settings", 80), house.Measure("words of README", 470)]
    text = house.lowered("A = 1\nLIMITS = {\n    old\n}\nB = 2\n", measures)
    assert text == (
        'A = 1\nLIMITS = {\n    "decisions": 15,\n    "settings": 80,\n    "words of README": 460,\n}\nB = 2\n'
    )


def test_the_project_itself_can_be_measured():
    assert {measure.name for measure in house.measure(ROOT)} == set(house.BUDGETS) == set(house.LIMITS)
