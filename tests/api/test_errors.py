"""Errors and notes of the public calls name their keywords; those of the command line, the same ones, name options."""

from __future__ import annotations

import pytest

import unlearnable
from tests.cli.program import call
from tests.conftest import Told
from unlearnable import BenchmarkReport, ConfigError, ModelError, OutputError, UnlearnableError
from unlearnable.benchmarks import study
from unlearnable.errors import UnknownName
from unlearnable.keywords import in_keywords
from unlearnable.results import TableRecord


def test_what_exists_already_is_refused_in_words_of_each(tmp_path):
    (tmp_path / "one.png").write_bytes(b"")
    (tmp_path / "two.png").write_bytes(b"")
    with pytest.raises(OutputError) as caught:
        unlearnable.preview(tmp_path / "one.png", tmp_path / "two.png", tmp_path / "two.png")
    assert caught.value.hint == "choose another output"
    with pytest.raises(ConfigError, match=r"^add=True and resume=True exclude each other$") as refused:
        unlearnable.protect(tmp_path, add=True, resume=True)
    assert refused.value.message == str(refused.value)
    with pytest.raises(ConfigError, match=r"^crowd_test needs the posts that victims are trained on, crowd$"):
        unlearnable.verify("a", "b", crowd_test="c")
    assert "--add and --resume" in call("protect", tmp_path, "--add", "--resume").stderr


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (
            "use --resume, --overwrite to replace it, or another --output",
            "use resume=True, overwrite=True to replace it, or another output",
        ),
        ("a larger --test-fraction (--trigger-scope post)", "a larger test_fraction (trigger_scope post)"),
        ("pip install --no-deps llm", "pip install --no-deps llm"),
        (
            "unlearnable train --data DIR --model m --output m.pt (offline: small)",
            "unlearnable train --data DIR --model m --output m.pt (offline: small)",
        ),
        ("no photo in /a/--output, 'b--add'", "no photo in /a/--output, 'b--add'"),
    ],
)
def test_options_that_are_keywords_are_said_as_keywords(said, wanted):
    @in_keywords
    def fail(kind):
        raise kind(said, hint=said)

    for kind in (UnlearnableError, UnknownName):
        with pytest.raises(kind) as caught:
            fail(kind)
        assert (str(caught.value), caught.value.message, caught.value.hint) == (wanted, wanted, wanted)


def test_notes_of_a_report_and_of_its_parts_name_keywords(monkeypatch):
    said, told = "1 seed: repeat with --seeds 0,1,2", "1 seed: repeat with seeds 0,1,2"
    table = TableRecord(title="a --seeds b", heads=[], rows=[], notes=["fine", said])
    written = BenchmarkReport.model_construct(title="--seeds", notes=[said], tables=[table])
    monkeypatch.setattr(study, "benchmark", lambda *_, **__: written)
    report = unlearnable.benchmark("pubfig")
    assert report.notes == [told]
    assert report.tables == [table.model_copy(update={"notes": ["fine", told]})]
    assert report.title == written.title
    assert (written.notes, table.notes) == ([said], ["fine", said])


def test_notes_that_a_progress_is_told_name_keywords(posts):
    told = Told()
    with pytest.raises(ModelError):
        unlearnable.protect(posts, only=["p*", "q*"], surrogate="none", progress=told)
    assert "only q* fits none of the photos" in told.notes
