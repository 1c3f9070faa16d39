"""A benchmark from end to end on the tiny encoder: cells, protections, tables, figures, and what is not run twice."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.conftest import tree
from unlearnable.benchmark import SUITES, cells, run, suites, tables
from unlearnable.benchmark.cells import ProtectionStore, Scraped
from unlearnable.benchmark.suites import SCALES, protection_recipe, set_up
from unlearnable.errors import ConfigError, OutputError
from unlearnable.models import dual_encoder
from unlearnable.settings import BALANCED, PRESETS, BenchmarkSettings, Hyperparameters, mem_name
from unlearnable.storage.progress import Silent
from unlearnable.verify.attacks import parse_attack


def prepared(settings):
    return run.prepare(settings, resume=False, progress=Silent())[0]


def test_flickr_fills_tables_1_and_3_beside_the_papers_figures(flickr, asked):
    settings = asked("flickr8k", flickr, methods=("clean", "random", "em", "uap", "mem-2"), fractions=(1.0, 0.5))
    report = run.benchmark(settings)
    assert [(c.method, c.fraction) for c in report.cells] == [
        ("clean", 1.0), ("random", 1.0), ("em", 1.0), ("uap", 1.0), ("mem-2", 1.0), ("mem-2", 0.5),
    ]  # fmt: skip
    first, third = report.tables
    assert first.title.startswith("Table 1")
    assert [row[0] for row in first.rows] == [
        "Random ranking", "Clean", "Random noise and words", "EM", "UAP", "MEM-2",
    ]  # fmt: skip
    assert third.heads[2:] == ["100 % Hit@10", "100 % Medr", "50 % Hit@10", "50 % Medr"]
    assert report.random.text_to_image.medr == 2.5
    assert {record.method for record in report.protections} == {"random", "em", "uap", "mem-2"}
    assert all(record.psnr_mean > 29 for record in report.protections)
    clean, *others = report.cells
    assert (clean.surrogate, clean.same_family, clean.triggers) == (None, None, [])
    assert all(cell.same_family for cell in others)
    assert len(others[-1].triggers[0].split()) == 2
    assert len({tuple(c.loss_curve) for c in report.cells}) == 6, "every cell trains on something else"


def test_pubfig_fills_table_5_with_the_victim_before_training_and_table_4_where_triggers_stand_elsewhere(
    faces, asked, tiny_path
):
    report = run.benchmark(asked("pubfig", faces, methods=("clean", "mem-2", "mem-2-random")))
    fifth, fourth = report.tables
    assert [row[1] for row in fifth.rows] == ["Random ranking", "Pre-trained", "Fine-tuned", "MEM-2", "MEM-2-random"]
    assert fourth.title.startswith("Table 4")
    assert report.pretrained.keys() == {str(tiny_path)}
    assert report.test_photos == 4


def test_a_second_call_runs_nothing_and_gives_the_same_tables(flickr, asked, tmp_path, monkeypatch):
    settings = asked("flickr8k", flickr)
    monkeypatch.setattr(run, "draw", tables.draw)
    planned = run.plan(settings)
    assert (len(planned.cells), planned.done) == (2, 0)
    first = run.benchmark(settings)
    before = {name: data for name, data in tree(tmp_path / "out").items() if "table.json" not in name}
    planned = run.plan(settings)
    assert (planned.cells, planned.done) == ([], 2)
    second = run.benchmark(settings)
    assert (first.ran, first.reused, second.ran, second.reused) == (2, 0, 0, 2)
    assert {name: data for name, data in tree(tmp_path / "out").items() if "table.json" not in name} == before
    assert second.tables == first.tables
    assert second.figures == ["figures/flickr8k-curves.png"]
    assert (tmp_path / "out" / second.figures[0]).read_bytes().startswith(b"\x89PNG")
    assert "Table 1" in (tmp_path / "out" / "table.md").read_text()
    assert (tmp_path / "out" / "report.html").read_text().count("data:image/png;base64") == 1
    assert json.loads((tmp_path / "out" / "table.json").read_text())["schema_version"] == 1


def test_cells_are_found_again_under_another_path_of_the_victim(faces, asked, tiny_path, tmp_path, monkeypatch):
    victim = Path("checkpoints-of-victims-that-somebody-trained") / "victim.safetensors"
    (tmp_path / victim).parent.mkdir()
    shutil.copy(tiny_path, tmp_path / victim)
    run.benchmark(asked("pubfig", faces, victims=(str(tmp_path / victim),)))
    monkeypatch.chdir(tmp_path)
    again = run.benchmark(asked("pubfig", faces, victims=(str(victim),)))
    assert (again.ran, {cell.victim for cell in again.cells}) == (0, {str(victim)})


def test_checkpoints_of_what_a_kill_left_finished_are_removed(flickr, asked, tmp_path):
    settings = asked("flickr8k", flickr)
    run.benchmark(settings)
    whole = set(tree(tmp_path / "out"))
    done = sorted((tmp_path / "out" / "cells").glob("*.json"))
    [protection] = (tmp_path / "out" / "protections").glob("*.json")
    for finished in (*done, protection):
        finished.with_suffix(".partial").write_bytes(b"of the last epoch or round")
    protection.with_suffix(".fixed.pt").write_bytes(b"what changed no more")
    done[-1].with_suffix(".partial").unlink()
    done[-1].unlink()  # its victim was not trained yet when the protection was finished
    assert run.benchmark(settings, resume=True).ran == 1
    assert set(tree(tmp_path / "out")) == whole


def test_nothing_is_written_into_the_data_set_nor_over_what_is_of_something_else(flickr, asked, tmp_path):
    before = tree(flickr)
    with pytest.raises(ConfigError):
        run.benchmark(asked("flickr8k", flickr, output=flickr / "tables"))
    assert tree(flickr) == before
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError):
        run.benchmark(asked("flickr8k", flickr, output=tmp_path / "taken"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "table.md").write_text("dear")
    with pytest.raises(OutputError, match=r"table\.md was not made by this command"):
        run.benchmark(asked("flickr8k", flickr))
    assert tree(tmp_path / "out") == {"table.md": b"dear"}


@pytest.mark.parametrize("change", [{"limit": 5}, {"seeds": (1,)}, {"through": ("jpeg-75",)}])
def test_another_setting_is_another_cell(flickr, asked, change):
    run.benchmark(asked("flickr8k", flickr, methods=("clean",)))
    assert run.benchmark(asked("flickr8k", flickr, methods=("clean",), **change)).ran == 1


def test_cells_and_protections_in_another_number_format_are_made_again(flickr, asked, tmp_path, monkeypatch):
    settings = asked("flickr8k", flickr, methods=("clean", "mem-1"))
    for speedup in (0.5, 3.0):  # as on a machine that is slow in bf16, and on one that is fast in it
        monkeypatch.setattr(dual_encoder, "_remembered", lambda model, encoder, speedup=speedup: speedup)
        assert run.benchmark(settings).ran == 2
    assert len(list((tmp_path / "out" / "protections").glob("*.json"))) == 2


@pytest.fixture
def rescale(monkeypatch):
    def change(**changes) -> None:
        scale = replace(SCALES["captions", "tiny"], **changes)
        monkeypatch.setattr(suites, "SCALES", {**SCALES, ("captions", "tiny"): scale})

    return change


def test_a_stopped_cell_continues_to_the_same_result(flickr, asked, tmp_path, rescale):
    rescale(recipe=replace(SCALES["captions", "tiny"].recipe, epochs=3))
    whole = run.benchmark(asked("flickr8k", flickr))

    class Stop(Silent):
        def __init__(self, after: int) -> None:
            self.left = after

        def advance(self, steps: int = 1, **metrics: float) -> None:
            self.left -= "loss" in metrics
            if not self.left:
                raise KeyboardInterrupt
            time.sleep(0.2 if "loss" in metrics else 0)

    for after in (2, 3, 3):  # in the clean cell, in the making of the noise, in the cell trained on it
        with pytest.raises(KeyboardInterrupt):
            run.benchmark(asked("flickr8k", flickr, output=tmp_path / "again"), resume=True, progress=Stop(after))
        assert list((tmp_path / "again").rglob("*.partial"))
    again = run.benchmark(asked("flickr8k", flickr, output=tmp_path / "again"), resume=True)
    strip = {"seconds"}
    assert [c.model_dump(exclude=strip) for c in again.cells] == [c.model_dump(exclude=strip) for c in whole.cells]
    assert min(cell.seconds for cell in again.cells) > 0.2, "those before it was stopped count too"
    assert again.tables == whole.tables
    assert not list((tmp_path / "again").rglob("*.partial"))


def test_a_cell_trains_on_what_the_written_file_would_hold(flickr, asked, tmp_path):
    bench = prepared(asked("flickr8k", flickr))
    store = ProtectionStore(protection_recipe("mem-3", bench.setup.scale), tmp_path / "p", "0" * 64)
    protection = store.make(bench.train, bench.surrogate(), resume=False, progress=Silent())
    clean = bench.train.pixels
    everyone = torch.ones(len(clean), dtype=torch.bool)
    scraped = Scraped(clean, protection, everyone, parse_attack("png"))
    through = Scraped(clean, protection, everyone, parse_attack("jpeg-75"))
    for n in range(len(clean)):
        pixels = scraped[n]
        assert (pixels == pixels.round()).all()
        assert 0 <= pixels.min() <= pixels.max() <= 255
        assert 0 < (pixels - clean[n]).abs().max() <= 8
        expected = parse_attack("jpeg-75").image(pixels.byte().permute(1, 2, 0).numpy())
        assert (through[n].permute(1, 2, 0).numpy() == expected).all()
    untouched = Scraped(clean, protection, ~everyone, parse_attack("png"))
    assert (untouched[0] == clean[0]).all()


def test_processes_share_the_protections_and_the_missing_cells_are_noted(flickr, asked, monkeypatch):
    settings = asked("flickr8k", flickr, methods=("clean", "em", "mem-1"), fractions=(1.0, 0.5))
    shared = prepared(settings)
    monkeypatch.setenv("WORLD_SIZE", "2")
    shares = []
    for rank in "01":
        monkeypatch.setenv("RANK", rank)
        shares.append([(cell.method, cell.fraction) for cell in shared.own_share()])
    assert shares == [[("clean", 1.0), ("mem-1", 1.0), ("mem-1", 0.5)], [("em", 1.0)]]
    monkeypatch.setenv("RANK", "0")
    assert [note for note in run.benchmark(settings).notes if "1 cell missing" in note]
    monkeypatch.setenv("WORLD_SIZE", "1")
    whole = run.benchmark(settings)
    assert (whole.ran, [note for note in whole.notes if "cell" in note]) == (1, [])


def test_wrong_methods_and_attacks_are_refused_before_anything_runs(flickr, asked):
    for name in ("mem", "mem-0", "memo-3", "mem-3-", "mem-3-start", "em-end"):
        with pytest.raises(ValueError, match="mem-K"):
            BenchmarkSettings(dataset="coco", methods=(name,))
    with pytest.raises(ConfigError, match="jpg"):
        set_up(asked("flickr8k", flickr, through=("jpg-75",)), SUITES["flickr8k"])


def test_a_name_says_how_many_words_stand_where_by_which_preset():
    scale = Hyperparameters(max_rounds=3, batch_size=7)
    assert mem_name("mem-12-random").applied_to(scale) == replace(scale, trigger_length=12, trigger_position="random")
    found = mem_name("mem-5-end-balanced").applied_to(scale)
    assert found == replace(BALANCED, trigger_length=5, trigger_position="end", max_rounds=3, batch_size=7)
    strong = mem_name("mem-3-strong").applied_to(scale)
    assert (strong.noise_steps, strong.visibility) == (PRESETS["strong"].noise_steps, "medium")
    assert mem_name("mem-3-strong-end") is mem_name("em") is None


@pytest.mark.parametrize("position", ["", "-end", "-random"])
def test_victims_train_on_the_slots_that_were_optimised(flickr, asked, monkeypatch, position):
    def spied(module, name):
        calls, real = [], getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given: calls.append(given) or real(*given))
        return calls

    method = f"mem-2{position}"
    optimised, trained = spied(cells, "Posts"), spied(cells, "pairs_of")
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
