"""The measures of the house, on small trees made up for them, and on the project itself."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from coverage import CoverageData

from tools import house

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path):
    """Write a package of the given files, with an `__init__.py` in every folder, and return the root of its project."""

    def write(files: dict[str, str], readme: str = "A short one.\n") -> Path:
        (tmp_path / "README.md").write_text(readme)
        for name, text in files.items():
            path = tmp_path / "unlearnable" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        for folder in {path.parent for path in tmp_path.rglob("*.py")} | {tmp_path / "unlearnable"}:
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
        return tmp_path

    return write


def faults(root: Path, name: str) -> list[str]:
    (one,) = [one for one in house.measure(root) if one.name.startswith(name)]
    assert len(one.faults) == (one.value if one.limit == 0 else one.value > one.limit)
    return list(one.faults)


def test_a_tidy_house_passes(make, capsys):
    root = make({"a.py": "from unlearnable import b\n", "b.py": "class B: ...\n", "workflows/one.py": "import os\n"})
    assert house.main(["--root", str(root), "--check"]) == 0
    printed = capsys.readouterr().out
    assert "too many" not in printed
    assert "not measured" in printed


def test_a_fault_is_one_line_and_exit_code_1_with_check_alone(make, capsys):
    root = make({"a.py": "class A: ...\n", "b.py": "\nclass A: ...\n"}, readme="word " * 501)
    assert house.main(["--root", str(root)]) == 0
    table = capsys.readouterr().out
    assert house.main(["--root", str(root), "--check"]) == 1
    assert capsys.readouterr().out.removeprefix(table).splitlines() == [
        "unlearnable/a.py:1: class A is also defined at unlearnable/b.py:2",
        "README.md: 501 words, at most 500 are allowed",
    ]


@pytest.mark.parametrize("count", [8, 9])
def test_modules_and_folders_of_workflows_are_rooms(make, count):
    files = {f"workflows/room{n}.py": "" for n in range(count - 1)}
    files |= {"workflows/protect/setup.py": "", "workflows/protect/publish.py": ""}
    root = make(files)
    (root / "unlearnable/workflows/__pycache__").mkdir()
    (root / "unlearnable/workflows/__pycache__/room0.cpython-311.pyc").touch()
    expected = "unlearnable/workflows: 9 modules at its top level, at most 8 are allowed"
    assert faults(root, "modules at the top") == ([expected] if count == 9 else [])


@pytest.mark.parametrize(
    "statement",
    [
        "from unlearnable.workflows import fit",
        "from unlearnable.workflows.fit import run, record",
        "import unlearnable.workflows.fit as other",
        "def late():\n    from unlearnable.workflows.fit import run",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from unlearnable.workflows.fit import run",
        "from ..workflows import fit",
        "from ..workflows.fit import run",
    ],
)
def test_workflows_are_not_for_benchmarks(make, statement):
    root = make({"workflows/fit.py": "", "benchmarks/suites/faces.py": "", "benchmarks/study.py": statement})
    line = len(statement.splitlines())
    expected = f"unlearnable/benchmarks/study.py:{line}: unlearnable.benchmarks.study imports unlearnable.workflows.fit"
    assert faults(root, "imports of workflows") == [expected]


def test_others_may_import_workflows(make):
    root = make(
        {"workflows/fit.py": "", "cli/app.py": "from unlearnable.workflows import fit\n", "benchmarks/a.py": ""}
    )
    assert faults(root, "imports of workflows") == []


def test_a_circle_by_a_late_import_is_found(make):
    late = "def load():\n    from unlearnable.models import bundled\n"
    root = make({"models/bundled.py": "from unlearnable.models.openclip import load\n", "models/openclip.py": late})
    assert faults(root, "import circles") == [
        "import circle: unlearnable.models.bundled -> unlearnable.models.openclip -> unlearnable.models.bundled"
    ]


def test_each_group_of_modules_in_a_circle_counts_once_and_is_shown_by_a_shortest_one(make):
    root = make(
        {
            "a.py": "from unlearnable import b\n",
            "b.py": "from unlearnable import c\n",
            "c.py": "from unlearnable import a, d\nimport unlearnable.b\n",
            "d.py": "",
            "e.py": "from unlearnable.d import x\nif 0:\n    from unlearnable.f import y\n",
            "f.py": "import unlearnable.e\nimport unlearnable.a\n",
        }
    )
    names = [[f"unlearnable.{letter}" for letter in circle] for circle in ("abca", "efe")]
    assert faults(root, "import circles") == [f"import circle: {' -> '.join(circle)}" for circle in names]


def test_a_name_is_its_module_where_there_is_one_and_else_the_package(make):
    root = make({"config/__init__.py": "from .protect import Settings\n", "config/protect.py": "", "main.py": ""})
    main = root / "unlearnable/main.py"
    main.write_text("from unlearnable.config import protect, Settings\nimport torch\nfrom pathlib import Path\n")
    found = [(one.importer, one.imported) for one in house.imports(house.read(root))]
    assert found == [
        ("unlearnable.config", "unlearnable.config.protect"),
        ("unlearnable.main", "unlearnable.config.protect"),
        ("unlearnable.main", "unlearnable.config"),
    ]


def test_a_circle_through_what_a_package_hands_on_is_one(make):
    root = make(
        {
            "config/__init__.py": "from unlearnable.config.protect import Settings\n",
            "config/protect.py": "from unlearnable.config import Settings\n",
        }
    )
    assert len(faults(root, "import circles")) == 1


def test_classes_of_one_name_are_found_wherever_they_stand(make):
    inner = "def make():\n    class Slot: ...\n"
    root = make({"a.py": "class Slot: ...\n", "b/c.py": inner, "b/d.py": "class Place: ...\nSlot = Place\n"})
    assert faults(root, "class names") == ["unlearnable/a.py:1: class Slot is also defined at unlearnable/b/c.py:2"]


def long(lines: int, head: str = "def work():") -> str:
    return "\n".join([head, *["    x = 1"] * (lines - 1)]) + "\n"


def test_functions_over_60_lines_are_found_methods_and_inner_ones_too(make):
    method = "class A:\n" + "".join(f"    {line}\n" for line in long(61).splitlines())
    root = make({"a.py": long(60), "b.py": long(61, "async def work():"), "c.py": method})
    fault = "work has 61 lines, at most 60 are allowed"
    assert faults(root, "functions") == [f"unlearnable/b.py:1: {fault}", f"unlearnable/c.py:2: {fault}"]


def test_in_the_command_line_signature_and_docstring_are_free(make):
    options = "\n".join(["def protect(", *[f"    o{n}: int," for n in range(80)], ") -> None:"])
    described = f'{options}\n    """Protect.\n\n    At length.\n    """\n'
    bodies = {60: described + "    x = 1\n" * 60, 61: described + "    x = 1\n" * 61}
    root = make({"cli/a.py": bodies[60], "cli/b.py": bodies[61], "cli/c.py": described, "workflows/d.py": bodies[60]})
    assert faults(root, "functions") == [
        "unlearnable/cli/b.py:1: protect has 61 lines, at most 60 are allowed",
        "unlearnable/workflows/d.py:1: protect has 146 lines, at most 60 are allowed",
    ]


def test_files_over_400_lines_are_found(make):
    root = make({"a.py": "x = 1\n" * 400, "b.py": "x = 1\n" * 401})
    assert faults(root, "files") == ["unlearnable/b.py: 401 lines, at most 400 are allowed"]


def test_coverage_is_read_from_what_the_tests_left(make, capsys):
    root = make({})
    (root / "coverage.json").write_text(json.dumps({"totals": {"percent_covered": 96.25}}))
    assert house.coverage_percent(root) == 96.25
    house.main(["--root", str(root)])
    assert "96.2 %" in capsys.readouterr().out


def measured(root: Path, lines: dict[str, list[int]]) -> float | None:
    """The coverage of a .coverage file that says which lines of the package's files were run."""
    (root / "pyproject.toml").touch()
    data = CoverageData(str(root / ".coverage"))
    data.add_lines({str(root / "unlearnable" / name): numbers for name, numbers in lines.items()})
    data.write()
    data.close()
    return house.coverage_percent(root)


def test_coverage_data_is_read_too(make):
    root = make({"a.py": "x = 1\ny = 2\nif not x:\n    y = 3\n"})
    assert measured(root, {"a.py": [1, 2, 3]}) == 75.0


def test_coverage_of_files_that_are_gone_is_not_measured(make):
    assert measured(make({"a.py": "x = 1\n"}), {"a.py": [1], "gone.py": [1]}) is None


def test_coverage_that_cannot_be_read_is_not_measured(make):
    root = make({})
    (root / "pyproject.toml").touch()
    (root / ".coverage").write_text("not a data base")
    assert house.coverage_percent(root) is None


def test_the_project_itself_can_be_measured():
    measures = house.measure(ROOT)
    assert len({one.name for one in measures}) == 7
    assert all(one.faults or one.value <= one.limit for one in measures)
