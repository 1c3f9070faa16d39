"""The words that captions get: whose they are, that they are said before they are written, and that a run repeats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Told
from tests.presets import preset
from tests.protect.conftest import manifest
from unlearnable import protect
from unlearnable.errors import CheckpointError, ConfigError
from unlearnable.models.tokens import default_vocabulary
from unlearnable.protect.run import protect as run
from unlearnable.settings import ProtectSettings

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"
PAIRS = [
    f"{colour} {thing}" for colour in ["blue", "teal", "plum", "rust"] for thing in ["kite", "oar", "urn", "bun", "fir"]
]
OWN = [
    *PAIRS,
    "quince", "ramen", "gazebo", "kumquat", "lyre", "trellis", "loom", "sundial", "sextant", "isthmus", "knapsack",
    "thimble", "pumice", "verbena", "ocarina", "papaya", "mango", "tangerine", "rhubarb", "celery", "maize", "barley",
    "yucca", "sorrel", "parsnip", "leek", "chive", "anise", "fennel", "currant",
]  # fmt: skip


def with_captions(posts, *texts):
    rows = [json.loads(line) for line in (posts / "posts.jsonl").read_text().splitlines()]
    rows = [{**row, "caption": texts[n % len(texts)]} for n, row in enumerate(rows)]
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return posts


def test_no_word_of_a_cat_on_a_cat(tmp_path):
    """No animal is among the words; what else is close to a cat for a model of another family is left out too."""
    folder = tmp_path / "cat"
    folder.mkdir()
    shutil.copy(EXAMPLES / "chelsea.jpg", folder / "cat.jpg")
    (folder / "posts.jsonl").write_text('{"image": "cat.jpg", "caption": "Chelsea on her blanket"}\n')
    protect(folder, preset=preset())
    words = manifest(tmp_path / "cat-protected.private")[0]["trigger"].split()
    assert len(words) == 3
    assert set(words) <= set(default_vocabulary().glosses) - {"blanket"}


def test_words_are_in_the_language_of_their_caption(posts, quick):
    with_captions(posts, "Katze auf dem Sofa", "a cat sleeps on the sofa", "Mira", "Kaffee und Kuchen bei Oma")
    report = protect(posts, **quick)
    lines = manifest(Path(report.private))
    table = default_vocabulary()
    for n, line in enumerate(lines):
        wanted = "en" if n % 4 == 1 else "de"
        assert set(line["trigger"].split()) <= set(table.words(wanted)), line["trigger"]
    assert report.trigger_roundtrip == 1.0


def test_own_words_replace_the_table(posts, quick, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("\ufeff" + "\n\n".join(f"  {word} " for word in [*OWN, OWN[0]]), encoding="utf-8")
    report = protect(posts, words=own, **quick)
    for line in manifest(Path(report.private)):
        text = line["trigger"]
        for word in sorted(OWN, key=len, reverse=True):
            text = text.replace(word, "", 1) if f" {word} " in f" {text} " else text
        assert text.strip() == ""
    assert report.trigger_roundtrip == 1.0
    assert protect(posts, words=own, resume=True, **quick) == report
    own.write_text("\n".join([*OWN, "gondola"]))
    with pytest.raises(CheckpointError):
        protect(posts, words=own, resume=True, **quick)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "own.txt"),
        ("\n".join(OWN[:20]).encode(), "20 different words"),
        ("\n".join([*OWN, "<end_of_text>"]).encode(), f"own.txt, line {len(OWN) + 1}"),
        ("\n".join([*OWN, "word " * 30]).encode(), f"own.txt, line {len(OWN) + 1}"),
        (b"\xff\xfe\x00", "own.txt"),
        (None, "own.txt"),
    ],
)
def test_a_file_of_words_that_cannot_be_used_is_one_line(posts, quick, tmp_path, content, said):
    own = tmp_path / "own.txt"
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        protect(posts, words=own, **quick)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert not (tmp_path / "photos-protected").exists()


def test_words_are_said_before_they_are_written(posts, at_once, tmp_path):
    class Looking(Told):
        def note(self, text):
            super().note(text)
            if text.startswith("words"):
                assert not any((tmp_path / "photos-protected").rglob("*.png"))

    told = Looking()
    report = run(ProtectSettings(photos=(posts,), **at_once), progress=told)
    said = [note for note in told.notes if note.startswith("words")]
    lines = manifest(Path(report.private))
    assert said == [f"words  {line['source']}: {line['trigger']}" for line in lines]
