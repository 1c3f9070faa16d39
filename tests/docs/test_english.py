"""Pages are written in plain English: nothing that nobody would say, and the words of the glossary."""

from __future__ import annotations

import re

import pytest

from tests.docs.conftest import ROOT

FORBIDDEN = (
    "of which",
    "what is said of",
    "had a say",
    "goes on with",
    "is there twice",
    "are there twice",
    "fits none of",
    "is no path",
    "may notice of",
    "nothing reads",
    "towers?",
    "adversar(?:y|ies)",
    "misleads?",
    "misled",
    "misleading",
    "binds?",
    "binding",
    "a relative",
    "learnt",
    "the eye of",
)
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
    text = " ".join(page.read_text(encoding="utf-8").split())
    found = [match[0] for phrase in FORBIDDEN for match in re.finditer(rf"\b{phrase}\b", text, re.IGNORECASE)]
    assert found == []
