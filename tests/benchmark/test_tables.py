"""The paper's tables from made-up cells."""

from __future__ import annotations

from itertools import product

import pytest

from unlearnable.benchmark.suites import FLICKR8K, PUBFIG as FACES
from unlearnable.benchmark.tables import draw, lay_out, to_markdown
from unlearnable.report import BenchmarkCell, BenchmarkReport, BothWays, Retrieval, TableRecord


def ways(hit10: float, medr: float) -> BothWays:
    one = Retrieval(hit1=0, hit5=0, hit10=hit10, medr=medr)
    return BothWays(image_to_text=one, text_to_image=one)


def cell(method, victim="RN50", fraction=1.0, seed=0, hit10=10.0, through="png", paper=FLICKR8K.paper, medr=100.0):
    figures = ways(hit10, medr)
    return BenchmarkCell(
        method=method, surrogate=None if method == "clean" else "RN50", victim=victim, same_family=None,
        fraction=fraction, through=through, seed=seed, epochs=2, lr=1e-3, image_to_text=figures.image_to_text,
        text_to_image=figures.text_to_image, paper=paper.get((method, victim, fraction)) if through == "png" else None,
        loss_curve=[2.0, 1.0], medr_curve=[200.0, 100.0], triggers=["red_1 & | two", "%"], seconds=1.0,
    )  # fmt: skip


def report(cells, **changes) -> BenchmarkReport:
    given = {
        "dataset": "flickr8k", "title": "Flickr8k", "scale": "small", "data": "d", "output": "o", "train_photos": 5,
        "train_pairs": 25, "test_photos": 3, "test_captions": 15, "random": ways(1.0, 500.0),
        "random_paper": FLICKR8K.paper["random ranking", "", 0.0],
        "pretrained": {}, "pretrained_paper": {}, "roles": {}, "differs": ["It differs."], "protections": [],
        "cells": cells, "tables": [], "figures": [], "skipped": [], "notes": [],
        "device": "cpu", "ran": 0, "reused": 0, "seconds": 1.0,
    }  # fmt: skip
    made = BenchmarkReport(**{**given, **changes})
    return made.model_copy(update={"tables": lay_out(made)})


def titles(made):
    return [table.title.partition(":")[0] for table in made.tables]


def test_table_1_has_the_papers_figures_beside_ours():
    (table,) = report([cell("clean", hit10=31.0), cell("em"), cell("random")]).tables
    assert table.title == "Table 1: methods on Flickr8k, victim RN50"
    assert table.rows == [
        ["Random ranking", "1.0 / 1.2", "500 / 727", "1.0 / 0.9", "500 / 490"],
        ["Clean", "31.0 / 22.7", "100 / 58", "31.0 / 18.5", "100 / 60"],
        ["EM", "10.0 / 13.8", "100 / 117", "10.0 / 15.9", "100 / 86"],
        ["Random noise and words", "10.0 / -", "100 / -", "10.0 / -", "100 / -"],
    ]
    assert "It differs." in table.notes


def test_seeds_are_a_mean_with_its_spread():
    made = report([cell("clean", hit10=20.0, medr=2.5), cell("clean", hit10=30.0, medr=4.5, seed=1)])
    assert made.tables[0].rows[1][1:3] == ["25.0 ±5.0 / 22.7", "3.5 ±1 / 58"]
    assert made.tables[0].notes[-1] == "±: population standard deviation over the seeds 0, 1."
    assert "±" not in to_markdown(report([cell("clean")]))


def test_table_2_needs_several_victims_and_gives_medr():
    made = report([cell(m, victim=v) for v in ("RN50", "ViT-B-32") for m in ("clean", "mem-3", "em")])
    assert titles(made) == ["Table 1", "Table 2"]
    assert made.tables[1].rows == [
        ["RN50", "Clean", "100 / 58", "100 / 60"], ["RN50", "MEM-3", "100 / 304", "100 / 250"],
        ["ViT-B-32", "Clean", "100 / 53", "100 / 52"], ["ViT-B-32", "MEM-3", "100 / 241", "100 / 194"],
    ]  # fmt: skip


def test_table_3_has_a_column_for_each_fraction_from_the_largest():
    made = report([cell("clean"), *(cell("mem-3", fraction=f, hit10=f) for f in (0.2, 1.0, 0.5))])
    table = made.tables[1]
    assert table.heads[2::2] == ["100 % Hit@10", "50 % Hit@10", "20 % Hit@10"]
    assert table.rows[0] == [
        "MEM-3", "image→text", "1.0 / 4.1", "100 / 304", "0.5 / -", "100 / 96", "0.2 / -", "100 / 91",
    ]  # fmt: skip


def test_table_4_shows_triggers_and_protection_both_ways():
    cells = [cell("clean"), cell("random"), cell("mem-3"), cell("mem-3-end", hit10=12)]
    made = report(cells)
    table = made.tables[1]
    assert table.title == "Table 4: trigger texts, victim RN50"
    assert table.rows == [
        ["MEM-3", "10.0 / 4.1", "100 / 304", "10.0 / 3.7", "100 / 250"],
        ["MEM-3-end", "12.0 / -", "100 / -", "12.0 / -", "100 / -"],
    ]
    assert table.notes[1] == "MEM-3-end, first posts: red_1 & | two; %."


def test_table_5_stands_for_fine_tuning_and_names_the_roles():
    cells = [cell(m, paper=FACES.paper) for m in ("clean", "mem-3")]
    before = {"RN50": FACES.paper["pretrained", "RN50", 0.0]}
    made = report(
        cells, pretrained={"RN50": ways(3, 70)}, pretrained_paper=before, roles={"RN50": "RN50", "v": "RN101"}
    )
    (table,) = made.tables
    assert [row[:3] for row in table.rows] == [
        ["", "Random ranking", "1.0 / -"], ["RN50", "Pre-trained", "3.0 / 2.6"],
        ["RN50", "Fine-tuned", "10.0 / 80.7"], ["RN50", "MEM-3", "10.0 / 6.7"],
    ]  # fmt: skip
    assert {"v stands where the paper has RN101.", "Protected on RN50."} < set(table.notes)


def test_attacks_have_a_table_of_their_own():
    victims, methods, attacks = ("RN50", "RN101"), ("clean", "mem-3"), ("png", "jpeg-75")
    made = report([cell(m, v, through=t) for v in victims for m in methods for t in attacks])
    assert made.tables[-1].title.startswith("What a scraper does first")
    assert [tuple(row[:3]) for row in made.tables[-1].rows] == list(product(victims, ("Clean", "MEM-3"), attacks))
    assert len(made.tables[0].rows) == 3, "the paper's tables hold what went through nothing"


def test_markdown_escapes_what_it_must():
    made = report([cell("mem-3"), cell("mem-5")])
    assert "red_1 & | two; %" in to_markdown(made)
    piped = TableRecord(title="t", heads=["a"], rows=[["b|c"]], notes=[])
    assert r"| b\|c |" in to_markdown(made.model_copy(update={"tables": [piped]}))


@pytest.mark.parametrize("victim", ["RN50", f"/home/{'folder/' * 30}model.safetensors", "/home/a$b^$c/m.safetensors"])
def test_a_victim_of_any_path_has_its_figure_without_a_loss_that_was_lost(tmp_path, victim):
    one = cell("mem-3").model_copy(update={"victim": victim, "loss_curve": [2.0, None]})
    draw(report([one]), tmp_path / "figures" / "curves.png")  # a warning of matplotlib is an error
    assert (tmp_path / "figures" / "curves.png").is_file()


def test_every_training_of_a_fraction_stands_in_a_table():
    made = report([cell("clean", through=t) for t in ("png", "jpeg-75")] + [
        cell("mem-3", through=t, fraction=0.5) for t in ("png", "jpeg-75")
    ])  # fmt: skip
    assert titles(made) == ["Table 1", "Table 3", "What a scraper does first (not in the paper)"]
    assert made.tables[1].heads == ["", "", "50 % Hit@10", "50 % Medr"], "nothing was protected in full"
    assert [row[1:3] for row in made.tables[2].rows][2:] == [["MEM-3, 50 %", "png"], ["MEM-3, 50 %", "jpeg-75"]]
    only = report([cell("mem-3", fraction=0.5), cell("mem-3", fraction=0.2)])
    assert titles(only) == ["Table 3"]
    assert "It differs." in only.tables[0].notes, "there is no other table that says so"
