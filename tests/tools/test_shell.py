"""What surrounds the code: versions that have to agree, and workflows that run nothing but what is pinned."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_citation_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [project["version"]]


def test_every_python_that_is_promised_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = [name.rpartition(" ")[2] for name in project["classifiers"] if re.search(r":: 3\.\d+$", name)]
    (tested,) = re.findall(r"python: \[(.+)\]", (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert [version.strip('"') for version in tested.split(", ")] == promised


def test_the_lock_holds_every_dependency_in_its_range_with_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    locked: dict[str, list[str]] = {}
    for name, version in (re.match(r"([\w.-]+)==([^\s;]+)", entry).groups() for entry in entries):
        locked.setdefault(canonicalize_name(name), []).append(version)
    assert [versions for versions in locked.values() if any("+" in version for version in versions)] == []
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    for one in map(Requirement, wanted):
        if one.name != project["name"]:
            versions = locked[canonicalize_name(one.name)]
            assert [version for version in versions if version not in one.specifier] == [], one


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_get_no_more_than_they_need(path):
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)$", text, re.MULTILINE)
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+|\./[\w./-]+", name)] == []
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
