"""Where triggers stand, in what is optimised and in what victims train on."""

from __future__ import annotations

import pytest

from tests.conftest import CAPTIONS
from unlearnable.benchmark import cells, protections, run
from unlearnable.methods.captions import cut_captions
from unlearnable.settings import PRESETS, MEMSettings, named_settings


def spied(monkeypatch, module, name):
    """What a function is called with from now on."""
    calls, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: calls.append(given) or real(*given))
    return calls


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
    trained = spied(monkeypatch, cells, "pairs_of")
    report = run.benchmark(asked("flickr8k", flickr, methods=(method,)))
    run.benchmark(asked("flickr8k", flickr, methods=(method,), seeds=(1,)))
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


def test_faces_with_two_kinds_of_triggers_have_table_4(faces, asked):
    report = run.benchmark(asked("pubfig", faces, methods=("clean", "mem-2", "mem-2-random")))
    assert [table.title.partition(":")[0] for table in report.tables] == ["Table 5", "Table 4"]
    assert [row[0] for row in report.tables[1].rows] == ["MEM-2", "MEM-2-random"]
