"""Whatever the package imports comes with it, but for what the extras say that they bring."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = {
    "distributed": {"accelerate"},
    "app": {"nicegui"},
    "cluster": {"ray", "webdataset"},
}
BROUGHT = {"click", "huggingface_hub", "markupsafe", "safetensors", "torchvision", "tokenizers", "tqdm"}  # by others


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;, ]", one)[0].lower().replace("_", "-") for one in requirements}


def imported() -> Iterator[str]:
    for path in (ROOT / "unlearnable").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_the_commands_of_readme_need_no_extra():
    core = named(PROJECT["dependencies"])
    extras = {name: named(PROJECT["optional-dependencies"][name]) for name in OPTIONAL}
    assert extras == OPTIONAL
    brought = packages_distributions()
    third_party = set(imported()) - sys.stdlib_module_names - {"unlearnable"}
    missing = {}
    for module in sorted(third_party):
        distributions = {name.lower().replace("_", "-") for name in brought.get(module, [module])}
        if not distributions & core.union(*extras.values()):
            missing[module] = distributions
    assert missing.keys() <= BROUGHT
    assert {"matplotlib", "captum", "scikit-learn"} <= core


def test_only_development_has_other_extras():
    assert set(PROJECT["optional-dependencies"]) == {*OPTIONAL, "test", "docs", "dev"}
