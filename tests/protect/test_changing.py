"""Photos that change or go while a run is under way are left out and named; the others are published."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.cli.program import call
from tests.conftest import picture, tree
from tests.presets import presets_file
from unlearnable import protect
from unlearnable.errors import InputError
from unlearnable.protect import photo, write
from unlearnable.protect.photo import target_of

CHANGED = "changed-while-running"


def replace(path, number=30):
    Image.fromarray(picture(number)).save(path)


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something to the photos after the work on them and before they are written."""

    def after(change):
        monkeypatch.setattr(write, "refuse_without_noise", lambda *_: change())

    return after


def test_what_changed_or_went_is_left_out_named_and_exits_3(posts, quick_options, meanwhile, tmp_path):
    def change():
        replace(posts / "p2.png")
        (posts / "p3.png").unlink(missing_ok=True)
        (posts / "p4.png").write_bytes(b"no photo")

    meanwhile(change)
    result = call("protect", posts, "--json", *quick_options)
    assert result.returncode == 3
    report = json.loads(result.stdout)
    gone = {"p2.png", "p3.png", "p4.png"}
    assert (report["protected"], report["photos"], report["captions"]) == (5, 8, 5)
    assert {one["where"]: one["reason"] for one in report["skipped"]} == dict.fromkeys(gone, CHANGED)
    output = tmp_path / "photos-protected"
    assert gone.isdisjoint(tree(output))
    for name, key in (("posts.jsonl", "image"), ("metadata.jsonl", "file_name")):
        rows = {json.loads(row)[key] for row in (output / name).read_text().splitlines()}
        assert rows == set(tree(output)) - {"posts.jsonl", "metadata.jsonl"}
    lines = (tmp_path / "photos-protected.private" / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["protected"] * 5 + ["skipped"] * 3
    shown = call("protect", posts, "--overwrite", *quick_options)
    assert shown.returncode == 0


@pytest.fixture
def quick_options(tiny_path, tmp_path):
    return ("--surrogate", tiny_path, "--config", presets_file(tmp_path / "quick.toml"))


def test_a_photo_that_changes_while_it_is_read_is_left_out(posts, at_once, monkeypatch):
    def read(path, settings, *look):
        target = target_of(path, settings, *look)
        if path.name == "p1.png":
            replace(path)
        return target

    monkeypatch.setattr(photo, "target_of", read)
    report = protect(posts, **at_once)
    assert {one.where: one.reason for one in report.skipped} == {"p1.png": CHANGED}


def test_where_all_change_nothing_is_published(posts, at_once, meanwhile, tmp_path):
    meanwhile(lambda: [replace(path) for path in posts.rglob("*.png")])
    with pytest.raises(InputError, match=CHANGED):
        protect(posts, **at_once)
    assert not (tmp_path / "photos-protected").exists()


def test_what_was_away_for_a_while_is_added_later_and_what_is_gone_does_not_count(
    posts, quick_options, tmp_path, monkeypatch
):
    def go():
        (posts / "p2.png").rename(tmp_path / "p2.png")
        (posts / "p3.png").unlink()

    with monkeypatch.context() as patch:
        patch.setattr(write, "refuse_without_noise", lambda *_: go())
        assert call("protect", posts, *quick_options).returncode == 3
    result = call("protect", posts, "--add", "--json", *quick_options)
    assert (result.returncode, CHANGED in result.stdout) == (0, False)
    (tmp_path / "p2.png").rename(posts / "p2.png")
    result = call("protect", posts, "--add", "--json", *quick_options)
    report = json.loads(result.stdout)
    assert (result.returncode, report["added"], report["photos"], CHANGED in result.stdout) == (0, 1, 7, False)
    assert "p2.png" in tree(tmp_path / "photos-protected")
