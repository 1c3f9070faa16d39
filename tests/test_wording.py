"""What people read of one thing and of several."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from tests.cli.program import call
from unlearnable.wording import counted, pasted


@pytest.mark.parametrize(("number", "said"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos")])
def test_a_noun_agrees_with_its_number(number, said):
    assert counted(number, "photo") == said


@pytest.mark.parametrize(
    ("system", "path", "said"),
    [
        ("posix", "/home/ann/photos-1", "/home/ann/photos-1"),
        ("posix", "Ann's trip", "'Ann'\"'\"'s trip'"),
        ("nt", "C:\\Users\\ann\\photos", "C:\\Users\\ann\\photos"),
        ("nt", "C:\\Users\\Ann Lee", '"C:\\Users\\Ann Lee"'),
    ],
)
def test_what_is_pasted_is_quoted_if_a_terminal_would_take_it_apart(monkeypatch, system, path, said):
    monkeypatch.setattr("unlearnable.wording.os", SimpleNamespace(name=system))
    assert pasted(path) == said


def test_a_run_of_one_photo_speaks_of_one(posts, tmp_path):
    given = (
        "--method",
        "random",
        "--output",
        tmp_path / "out",
        "--captions",
        posts / "posts.jsonl",
    )
    planned = call("protect", posts / "p0.png", *given, "--dry-run")
    assert planned.stdout.startswith("would protect 1 photo with 1 caption ("), planned.stderr
    made = call("protect", posts / "p0.png", *given)
    page = (tmp_path / "out.private" / "report.html").read_text()
    (tmp_path / "out" / "p0.png").unlink()
    checked = call("doctor", "--check", tmp_path / "out")
    assert "1 problem: " in checked.stdout
    for text in (planned.stdout, made.stdout, made.stderr, page, checked.stdout):
        assert re.findall(r"\b1 (?:photo|caption|round|row|problem|file)s\b", text) == []
