"""Where triggers stand, in what is optimised and in what victims train on, and how the judge's reading is kept."""

from __future__ import annotations

import json

import pytest

from tests.conftest import CAPTIONS, tree
from unlearnable.benchmarks import fluency, protections, runner, study
from unlearnable.config import PRESETS, MEMSettings, named_settings
from unlearnable.disk.seal import SEAL
from unlearnable.errors import ModelError
from unlearnable.protection.captions import cut_captions

KNOWN = {word for caption in CAPTIONS for word in caption.split()} | {"photo", "of"}


def spied(monkeypatch, module, name):
    """What a function is called with from now on."""
    calls, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: calls.append(given) or real(*given))
    return calls


@pytest.fixture
def judge(monkeypatch):
    """A judge to whom the words of clean captions are easy; what it was asked to read."""
    read = []

    def nats(texts):
        read.append(list(texts))
        easy = KNOWN | {str(n) for n in range(20)}
        return [[1.0 if word in easy else 3.0 for word in text.split()] for text in texts]

    monkeypatch.setattr(fluency, "load_judge", lambda: nats)
    return read


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mem-3", (3, "start")),
        ("mem-5-end", (5, "end")),
        ("mem-3-random", (3, "random")),
        ("mem-12-random", (12, "random")),
    ],
)
def test_a_name_says_how_many_words_of_which_kind_stand_where(name, expected):
    found = named_settings(name)
    assert (found["trigger_length"], found["trigger_position"]) == expected
    assert found.keys() <= MEMSettings.model_fields.keys()


def test_strong_behind_a_name_is_that_preset():
    assert named_settings("mem-3-strong") == named_settings("mem-3") | PRESETS["strong"]
    assert named_settings("mem-5-end-strong") == named_settings("mem-5-end") | PRESETS["strong"]
    assert named_settings("mem-3-balanced") == named_settings("mem-3") | PRESETS["balanced"]
    assert named_settings("mem-3-strong-end") == {}


@pytest.mark.parametrize("position", ["", "-end", "-random"])
def test_victims_train_on_the_slots_that_were_optimised(flickr, asked, monkeypatch, position):
    method = f"mem-2{position}"
    optimised = spied(monkeypatch, protections, "Posts")
    trained = spied(monkeypatch, runner, "pairs_of")
    report = study.benchmark(asked("flickr8k", flickr, methods=(method,)))
    study.benchmark(asked("flickr8k", flickr, methods=(method,), seeds=(1,)))
    (_, slots), ((_, written), (_, again)) = optimised[0], trained
    assert len(optimised) == 1
    assert written == again, "a protection that is kept gives the same captions"
    for trigger, own, texts in zip(report.cells[0].triggers, slots, written, strict=False):
        for slot, text in zip(own, texts, strict=True):
            assert text.lower().split() == [*slot.before.split(), *trigger.split(), *slot.after.split()]
            assert not slot.before or position
            assert not slot.after or position != "-end"
    places = [len(slot.before.split()) for own in slots for slot in own]
    assert len(set(places)) > 2 or position != "-random"


def test_random_places_do_not_depend_on_the_photos_that_follow():
    settings, captions = MEMSettings(trigger_position="random"), [[c, c] for c in CAPTIONS]
    whole = cut_captions(captions, settings, 3, seed=0)
    assert cut_captions(captions[:2], settings, 3, seed=0) == whole[:2]
    assert cut_captions(captions, settings, 3, seed=1) != whole


def test_captions_are_read_once_and_kept(flickr, asked, judge, tmp_path):
    settings = asked("flickr8k", flickr, methods=("clean", "random", "mem-2", "mem-2-end"), latex=True)
    first = study.benchmark(settings)
    kept = {name: data for name, data in tree(tmp_path / "out").items() if "table.json" not in name}
    clean, start, end = judge
    assert clean[0] == "a dog runs on grass 0"
    assert len(clean) == 8, "the first caption of every training photo"
    assert all(text.endswith(f" {before}") for text, before in zip(start, clean, strict=True))
    assert all(text.startswith(f"{before} ") for text, before in zip(end, clean, strict=True))
    found = {record.method: record.fluency for record in first.protections}
    assert found["random"] is None
    assert (found["mem-2"].nats_clean, found["mem-2"].auroc, found["mem-2"].photos) == (1.0, 1.0, 8)
    assert found["mem-2"].nats > 1.4
    second = study.benchmark(settings)
    assert len(judge) == 3
    assert (second.ran, second.tables, second.protections) == (0, first.tables, first.protections)
    assert {name: data for name, data in tree(tmp_path / "out").items() if "table.json" not in name} == kept
    written = json.loads((tmp_path / "out" / "table.json").read_text())
    assert written["protections"][1]["fluency"]["auroc"] == 1.0


def test_without_the_judge_the_table_says_how_to_get_it_and_later_it_reads(flickr, asked, monkeypatch, request):
    settings = asked("flickr8k", flickr, methods=("mem-1", "mem-2"))
    before = study.benchmark(settings).tables[-1]
    assert [row[-2:] for row in before.rows] == [["-", "-"]] * 2
    assert "pip install" in before.notes[-1]
    request.getfixturevalue("judge")
    after = study.benchmark(settings)
    assert after.ran == 0
    assert [row[:-2] for row in after.tables[-1].rows] == [row[:-2] for row in before.rows]
    assert [row[-1] for row in after.tables[-1].rows] == ["1.00"] * 2
    assert not any("pip install" in note for note in after.tables[-1].notes)

    def gone():
        raise ModelError("gone")

    monkeypatch.setattr(fluency, "load_judge", gone)
    assert study.benchmark(settings).tables == after.tables


def test_a_protection_of_an_earlier_version_is_read(flickr, asked, judge, tmp_path):
    settings = asked("flickr8k", flickr, methods=("mem-2",))
    study.benchmark(settings)
    (path,) = (tmp_path / "out" / "protections").glob("*.json")
    saved = json.loads(path.read_text())
    del saved["record"]["fluency"], saved[SEAL]
    path.write_text(json.dumps(saved))
    again = study.benchmark(settings)
    assert (again.ran, again.protections[0].fluency.photos) == (0, 8)


def test_faces_with_two_kinds_of_triggers_have_table_4(faces, asked):
    report = study.benchmark(asked("pubfig", faces, methods=("clean", "mem-2", "mem-2-random")))
    assert [table.title.partition(":")[0] for table in report.tables] == ["Table 5", "Table 4"]
    assert [row[0] for row in report.tables[1].rows] == ["MEM-2", "MEM-2-random"]
