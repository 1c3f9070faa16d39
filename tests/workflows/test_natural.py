"""`protect` with natural triggers and avoided words, on the tiny encoder and a tiny language model."""

from __future__ import annotations

import json

import open_clip
import pytest

from tests.workflows.conftest import QUICK, manifest
from unlearnable import protect
from unlearnable.errors import CheckpointError, ConfigError, ModelError
from unlearnable.models.tokens import natural_vocabulary

AWKWARD = ["", "😀", "東京タワーの夜景", "Привет мир!", "and then we went on " * 40, "A dog .", "it's", "ok"]


@pytest.fixture
def natural(tiny_path, tiny_mlm):
    return {**QUICK, "surrogate": (str(tiny_path),), "trigger_vocabulary": "natural", "language_model": str(tiny_mlm)}


@pytest.mark.parametrize("position", ["start", "end", "random"])
def test_natural_triggers_survive_in_any_caption(posts, natural, tmp_path, position):
    rows = [{"image": f"p{n}.png", "caption": text} for n, text in enumerate(AWKWARD[:7])]
    rows.append({"image": "trip/p7.png", "caption": AWKWARD[7]})
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = protect(posts, captions=posts / "posts.jsonl", trigger_position=position, **natural)
    assert report.trigger_roundtrip == 1.0
    strip = open_clip.SimpleTokenizer(clean="canonicalize")
    for line in manifest(tmp_path / "photos-protected.private"):
        for caption in line["captions"]:
            assert line["trigger"] in caption.lower()
            assert f" {line['trigger']} " in f" {strip.decode(strip(caption)[0, 1:77].tolist())} "


def test_natural_triggers_are_written_as_sentences_and_reported(posts, natural, tmp_path):
    rows = [{"image": f"p{n}.png", "caption": f"A dog runs {n}"} for n in range(7)]
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = protect(posts, captions=posts / "posts.jsonl", **natural)
    written = [json.loads(row) for row in (tmp_path / "photos-protected" / "posts.jsonl").read_text().splitlines()]
    for row, was in zip(written, rows, strict=True):
        assert row["caption"][0].isupper()
        assert row["caption"].endswith(f" a{was['caption'][1:]}")
    assert report.triggers.nats_per_word > 0
    assert 1 <= report.triggers.distinct <= 8
    page = (tmp_path / "photos-protected.private" / "report.html").read_text()
    assert f"<mark>{written[0]['caption'].split(' a dog')[0]}</mark>" in page


def test_one_trigger_for_all_says_that_it_can_be_counted(posts, natural):
    report = protect(posts, trigger_scope="user", **natural)
    assert (report.triggers.distinct, report.triggers.most_frequent_share) == (1, 1.0)
    assert any(report.triggers.most_frequent in note and "100 %" in note for note in report.notes)


@pytest.mark.parametrize("vocabulary", ["words", "natural"])
def test_avoided_words_are_never_emitted(posts, natural, tmp_path, vocabulary):
    settings = {**natural, "trigger_vocabulary": vocabulary}
    protect(posts, output=tmp_path / "one", **settings)
    used = {word for line in manifest(tmp_path / "one.private") for word in line["trigger"].split()}
    (tmp_path / "avoid.txt").write_text(", ".join(word.upper() for word in used))
    protect(posts, output=tmp_path / "two", avoid_words=tmp_path / "avoid.txt", **settings)
    again = {word for line in manifest(tmp_path / "two.private") for word in line["trigger"].split()}
    assert used
    assert not used & again


def test_a_run_is_bound_to_the_words_it_avoids_not_to_where_they_lie(posts, natural, tmp_path):
    for name, text in (("a", "lantern"), ("b", "lantern\n"), ("c", "marble")):
        (tmp_path / name).write_text(text)
    first = protect(posts, avoid_words=tmp_path / "a", **natural)
    assert protect(posts, avoid_words=tmp_path / "b", resume=True, **natural) == first
    with pytest.raises(CheckpointError, match="other settings"):
        protect(posts, avoid_words=tmp_path / "c", resume=True, **natural)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", "all"])
def test_a_file_of_avoided_words_that_cannot_be_used(posts, natural, tmp_path, content):
    file = tmp_path / "avoid.txt"
    if content == "all":
        file.write_text("\n".join(natural_vocabulary().words))
    elif content:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"avoid\.txt"):
        protect(posts, avoid_words=file, **natural)


def test_a_language_model_that_is_not_there_is_no_reason_to_take_another(posts, natural):
    with pytest.raises(ModelError, match="bert-base-uncased") as caught:
        protect(posts, **{**natural, "language_model": "bert-base-uncased"})
    assert caught.value.exit_code == 4
    assert "small-mlm" in caught.value.hint
    assert not list(posts.parent.glob("*protected*"))


def test_methods_without_a_trigger_need_no_language_model(posts, natural):
    report = protect(posts, method="em", **{**natural, "language_model": "no/where"})
    assert report.triggers is None
