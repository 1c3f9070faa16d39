"""Pages are written in plain English: nothing that nobody would say, and the words of the glossary."""

from __future__ import annotations

import pytest

from tests.docs.conftest import ROOT
from tools import house

PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    ]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_has_a_phrase_that_nobody_would_say(page):
    if page.name == "cli.md":
        pytest.skip("written from the help texts")
    assert house.forbidden(page.read_text(encoding="utf-8")) == []
