"""The pages that are written by hand agree with the code: the calls, and the tree of the package."""

from __future__ import annotations

import inspect
import re

import unlearnable
from tests.docs.conftest import ROOT
from unlearnable import api

PACKAGE = ROOT / "unlearnable"


def test_every_call_is_listed_with_all_its_arguments():
    page = (ROOT / "docs/reference/python-api.md").read_text(encoding="utf-8")
    listed = {name: re.findall(r"[a-z]+", given) for name, given in re.findall(r"^\| `(\w+)\((.*?)\)`", page, re.M)}
    calls = [name for name in unlearnable.__all__ if inspect.isfunction(getattr(api, name, None))]
    assert {"protect", "verify"} < set(calls)
    for name in (*calls, "ImageProtector"):
        wanted = [argument for argument in inspect.signature(getattr(api, name)).parameters if argument != "settings"]
        assert [argument for argument in listed[name] if argument in wanted] == wanted, name


def test_every_path_that_contributors_are_sent_to_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:unlearnable|tools|tests)/[\w./-]*)`", text)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
    packages = re.findall(
        r"`(\w+)`",
        " ".join(re.findall(r"^\| (`[`\w, ]+) \|", text.partition("## Architecture")[2].partition("##")[0], re.M)),
    )
    assert [
        name for name in packages if not any((PACKAGE / name).with_suffix(kind).exists() for kind in ("", ".py"))
    ] == []


def test_decisions_are_called_as_their_list_has_them():
    folder = ROOT / "docs/design/decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \[\d+\]\((.*?)\) \| (.*) \|$", index, re.M))
    heads = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.glob("0*.md")}
    assert {name: f"# {name[:4]}: {title}" for name, title in listed.items()} == heads
