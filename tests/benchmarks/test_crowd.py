"""`benchmark --crowd`: who is drawn, what is trained on for them, what is not trained twice, and the table."""

from __future__ import annotations

import json

import pytest
import torch

from unlearnable.benchmarks import bench, protections, study
from unlearnable.benchmarks.crowd.cells import crowd_cells
from unlearnable.benchmarks.crowd.plan import draws
from unlearnable.errors import ConfigError
from unlearnable.progress.reporting import Silent
from unlearnable.verify import identity


@pytest.fixture
def beside(asked, faces, monkeypatch):
    """Settings of four people with two photos to train on and one to rank."""
    monkeypatch.setattr(identity, "NAMES", 12)

    def make(**changes):
        given = {"crowd": True, "crowd_people": (1, 2), "crowd_draws": 2, "methods": ("mem-1",)}
        return asked("pubfig", faces, **{**given, **changes})

    return make


def prepared(settings):
    ready, _, _ = study.make_ready(settings, resume=False, progress=Silent())
    return crowd_cells(settings, ready)


def test_every_arm_of_every_draw_is_trained_once_and_fills_a_row(beside, tmp_path, tiny_path):
    settings = beside(seeds=(0, 1), through=("png", "strip-trigger-1"), latex=True)
    report = study.benchmark(settings)
    draws_of = 2 * 2  # two of one person, two of two
    assert report.ran == len(report.crowd_cells) == 2 * (1 + draws_of * (1 + 2 * 2)), "the clean arm once a seed"
    assert [(row.people, row.arm, row.through) for row in report.crowd] == [
        (size, arm, through)
        for size in (1, 2)
        for arm, through in [
            ("clean", "png"), ("protected", "png"), ("protected", "strip-trigger-1"),
            ("half", "png"), ("half", "strip-trigger-1"), ("absent", "png"),
        ]
    ]  # fmt: skip
    assert all(row.draws == 2 for row in report.crowd)
    assert all(row.text_to_image.low <= row.text_to_image.hit10 <= row.text_to_image.high for row in report.crowd)
    assert {row.idia_tpr is None for row in report.crowd if row.arm == "absent"} == {True}
    (table,) = report.tables
    assert [row[1] for row in table.rows][:3] == ["clean", "protected, mem-1", "protected, mem-1, strip-trigger-1"]
    assert any(note.startswith("Random ranking: image→text Hit@10 100.0, ") for note in table.notes)
    assert not any("single" in note for note in table.notes)
    assert len(report.protections) == draws_of
    out = tmp_path / "out"
    assert table.title in (out / "table.md").read_text()
    assert table.title in (out / "report.html").read_text()
    assert table.title in (out / "table.tex").read_text()
    assert json.loads((out / "table.json").read_text())["crowd"][0]["people"] == 1
    assert "seeds 0, 1" in (out / "table.md").read_text()
    again = study.benchmark(settings)
    assert (again.ran, again.reused, again.tables) == (0, report.ran, report.tables)
    more = study.benchmark(settings.model_copy(update={"crowd_draws": 3}))
    assert more.ran == 2 * 2 * 5, "another draw of each size, and no clean cell"
    plan = study.plan(settings.model_copy(update={"crowd_draws": 3}))
    assert {cell.done for cell in plan.cells} == {True}


def test_the_table_says_what_intervals_of_one_draw_and_one_seed_do_not_know(beside):
    (table,) = study.benchmark(beside(crowd_people=(2,), crowd_draws=1, leaked=0)).tables
    assert ["--crowd-draws" in note for note in table.notes].count(True) == 1
    assert ["--seeds" in note for note in table.notes].count(True) == 1


def test_the_figures_are_those_of_the_ranks_in_the_cells(beside):
    settings = beside(crowd_people=(2,), crowd_draws=2)
    crowd, report = prepared(settings), study.benchmark(settings)
    clean = next(cell for cell in report.crowd_cells if cell.arm == "clean")
    shown = crowd.bench.experiment.identities.shown.tolist()
    names = crowd.bench.experiment.identities.people
    of = dict(zip((names[n] for n in shown), clean.text_ranks, strict=True))
    row = next(row for row in report.crowd if row.arm == "clean")
    drawn = [person for draw in crowd.drawn[2] for person in draw.people]
    assert row.text_to_image.hit1 == pytest.approx(100 * sum(of[p] == 1 for p in drawn) / 4)
    known = [sum(p in clean.recognised for p in draw.people) / 2 for draw in crowd.drawn[2]]
    assert row.idia_tpr == pytest.approx(sum(known) / 2)


def test_the_plan_counts_every_cell_and_protection(beside):
    plan = study.plan(beside())
    assert [(cell.arm, cell.people, cell.draw) for cell in plan.cells][:4] == [
        ("clean", None, None), ("absent", 1, 0), ("protected", 1, 0), ("half", 1, 0),
    ]  # fmt: skip
    assert len(plan.cells) == 1 + 4 * 3
    assert {cell.arm for cell in study.plan(beside(leaked=0)).cells} == {"clean", "absent", "protected"}


def test_an_arm_trains_on_what_it_says(beside):
    crowd = prepared(beside(crowd_people=(2,), crowd_draws=1, through=("strip-trigger-1",)))
    arms = {cell.arm: crowd.arm(cell, Silent()) for cell in crowd.plans}
    train, (draw,) = crowd.bench.train, crowd.drawn[2]
    own = crowd.numbers(draw.people)
    assert len(own) == 4
    clean, absent, half = (arms[arm].pairs() for arm in ("clean", "absent", "half"))
    assert absent.photos.tolist() == [n for n in range(8) if n not in own]
    assert all((clean.pixels[n] == train.pixels[n]).all() for n in range(8))
    changed = [n for n in range(8) if (arms["protected"].photos[n] != train.pixels[n]).any()]
    assert changed == own
    assert (arms["protected"].photos[own[0]] - train.pixels[own[0]]).abs().max() <= 8
    leaked = [n for n in own if (half.pixels[n] == train.pixels[n]).all()]
    assert len(leaked) == 2
    assert all((half.tokens[n] == clean.tokens[n]).all() for n in leaked), "a clean caption is not stripped"
    assert (arms["protected"].pairs().tokens == clean.tokens).all(), "the trigger is stripped again"


def test_a_protection_is_made_of_the_photos_of_its_draw_alone(beside, monkeypatch):
    made = []
    real = protections.make
    monkeypatch.setattr(
        bench, "make", lambda store, photos, *a, **k: made.append(photos) or real(store, photos, *a, **k)
    )
    settings = beside(crowd_people=(1,), crowd_draws=1)
    crowd = prepared(settings)
    for cell in crowd.plans:
        crowd.arm(cell, Silent())
    assert [len(photos.items) for photos in made] == [2, 2], "for protected and half"
    assert {item.person for photos in made for item in photos.items} == set(crowd.drawn[1][0].people)
    assert torch.equal(made[0].pixels[1], crowd.bench.train.pixels[crowd.numbers(crowd.drawn[1][0].people)[1]])


def test_nobody_is_drawn_twice_before_everyone_was_drawn():
    people = [f"p{n}" for n in range(10)]
    ones = draws(people, 1, 10)
    assert sorted(person for draw in ones for person in draw.people) == people
    threes = draws(people, 3, 5)
    assert len({person for draw in threes[:3] for person in draw.people}) == 9
    assert {person for draw in threes[:4] for person in draw.people} == set(people), "whoever was left comes next"
    assert all(len(set(draw.people)) == 3 for draw in threes)
    assert [draw.number for draw in threes] == list(range(5))
    assert threes[:2] == draws(people, 3, 2), "more draws leave the first as they are"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crowd_people": (4,)}, "4 protected people of 4 leave no crowd"),
        ({"methods": ("clean",)}, "no method to protect with"),
        ({"fractions": (0.5,)}, "--fractions is not for --crowd"),
        ({"dataset": "flickr8k"}, "needs a data set of people"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_a_training(beside, changes, message):
    with pytest.raises(ConfigError, match=message):
        study.benchmark(beside().model_copy(update=changes))
