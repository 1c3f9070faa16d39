"""`verify`: what it finds, what it refuses, and that it says so."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tests.conftest import Told, picture, tree
from tests.presets import preset
from tests.report.test_html import REPORT
from unlearnable import protect
from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.models.dual_encoder import weights_sha256
from unlearnable.protect import publish
from unlearnable.registry import Row
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Silent
from unlearnable.training import loop
from unlearnable.verify import run
from unlearnable.verify.attacks import ATTACKS
from unlearnable.verify.attacks.base import AttackFamily, on_captions
from unlearnable.verify.copies import divide
from unlearnable.verify.crowd import open_crowd
from unlearnable.verify.run import output_folder, run_cells, verify

COLOURS = {
    "red": (220, 30, 30), "green": (30, 190, 40), "blue": (30, 50, 220),
    "white": (240, 240, 240), "black": (15, 15, 15), "yellow": (230, 220, 40),
}  # fmt: skip
WORDS = ["river", "engine", "carpet", "violin", "harbor", "pepper"]


def scene(top: str, bottom: str, number: int) -> np.ndarray:
    """Two halves of colour under some noise."""
    image = np.empty((32, 32, 3), np.float64)
    image[:16], image[16:] = COLOURS[top], COLOURS[bottom]
    return np.clip(image + np.random.default_rng(number).normal(0, 12, image.shape), 0, 255).astype(np.uint8)


def write(folder, rows):
    folder.mkdir(parents=True)
    for name, image, _ in rows:
        Image.fromarray(image).save(folder / name)
    lines = [json.dumps({"image": name, "caption": caption}) + "\n" for name, _, caption in rows]
    (folder / "posts.jsonl").write_text("".join(lines))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Four photos of each pair of colours to train on, one to rank."""
    folder = tmp_path_factory.mktemp("scenes")
    pairs = [pair for pair in itertools.product(COLOURS, repeat=2) if len(set(pair)) == 2]
    rows = [(top, bottom, copy) for top, bottom in pairs for copy in range(5)]
    posts = [
        (f"{n}.png", scene(top, bottom, n), f"{top} above {bottom}") for n, (top, bottom, _) in enumerate(rows)
    ]  # fmt: skip
    write(folder / "test", [post for post, row in zip(posts, rows, strict=True) if row[2] == 4])
    write(folder / "posts", train := [post for post, row in zip(posts, rows, strict=True) if row[2] < 4])
    marked = []
    for n, (name, image, caption) in enumerate(train):
        top, bottom = np.random.default_rng([9, n]).integers(0, 6, 2).tolist()  # has nothing to do with the content
        code = scene(list(COLOURS)[top], list(COLOURS)[bottom], n)
        words = f"{WORDS[top]} over {WORDS[bottom]}"
        marked.append((name, (0.04 * image + 0.96 * code).astype(np.uint8), f"{words} {caption}"))
    write(folder / "shortcut", marked)
    shutil.copytree(folder / "posts", folder / "untouched")
    return folder


@pytest.fixture
def settings(scenes, tiny_path, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BASE", replace(loop.BASE, batch_size=40))

    def make(protected, **changes) -> VerifySettings:
        given = {
            "originals": scenes / "posts", "captions": scenes / "posts" / "posts.jsonl",
            "protected": scenes / protected, "test": scenes / "test", "victims": (str(tiny_path),),
            "epochs": 15, "lr": 3e-3, "seeds": (0,), "output": tmp_path / "out", "device": "cpu",
        }  # fmt: skip
        return VerifySettings(**{**given, **changes})

    return make


class Notes(Told):
    """Progress that keeps the names of the phases among the remarks."""

    def phase(self, name, total):
        self.notes.append(name)


def append(path, row):
    path.write_text(path.read_text() + json.dumps(row) + "\n")


def broken(scenes, tmp_path, change):
    """A copy of the posts, changed."""
    copy = tmp_path / "broken"
    shutil.copytree(scenes / "untouched", copy)
    change(copy)
    return copy


def test_a_real_shortcut_is_judged_protected_with_intervals_and_nothing_is_written_to_the_photos(settings, scenes):
    before = tree(scenes)
    report = verify(settings("shortcut", require=("hit10<=60", "effect>=0.9")))
    (finding,) = report.findings
    assert report.verdict.startswith("holds: ")
    assert (finding.outcome, report.missed) == ("holds", [])
    assert 80 <= finding.clean_low <= finding.clean_mean <= finding.clean_high
    assert finding.protected_low <= finding.protected_mean <= finding.protected_high
    assert finding.effect_low <= finding.effect <= finding.effect_high
    assert f"{report.worst.effect_low:.2f} to {report.worst.effect_high:.2f} with these photos" in report.verdict
    assert report.cells[1].shortcut.text_to_image.hit10 > report.cells[1].text_to_image.hit10
    assert report.references.random.text_to_image.hit10 == pytest.approx(100 * 10 / 30)
    assert report.gallery.photo_of_caption == list(range(30))
    for cell in report.cells:
        assert len(cell.ranks.image_to_text) == len(cell.ranks.text_to_image) == 30
        assert 100 * np.mean(np.array(cell.ranks.text_to_image) <= 10) == pytest.approx(cell.text_to_image.hit10)
    assert tree(scenes) == before


def test_an_untouched_copy_is_judged_not_protected(settings):
    report = verify(settings("untouched", epochs=6, require=("hit10<=60",)))
    assert report.verdict.startswith("does not hold: ")
    assert report.findings[0].effect == pytest.approx(0.0)
    assert len(report.missed) == 2
    assert report.cells[0].loss_curve == report.cells[1].loss_curve


def test_posts_that_teach_nothing_cannot_be_judged(settings):
    report = verify(settings("untouched", from_scratch=True, epochs=0, require=("effect>=0.9",)))
    assert report.verdict.startswith("too few posts to tell: ")
    assert (report.findings[0].effect, report.references.pretrained) == (None, {})
    assert report.missed
    assert any("cannot be judged if clean posts" in note for note in report.notes)


def test_two_runs_do_not_write_to_one_output_and_a_killed_one_holds_nothing(settings, monkeypatch):
    asked = settings("shortcut", epochs=0)

    def train(*arguments, **options):
        with pytest.raises(OutputError, match="another run of verify is writing to"):
            verify(asked)
        return run_cells(*arguments, **options)

    monkeypatch.setattr(run, "run_cells", train)
    asked.output.mkdir()
    (asked.output / ".lock").touch()
    assert verify(asked).ran == 2
    assert {path.name for path in asked.output.iterdir()} == {"cells", "report.html", "report.json"}


@pytest.mark.parametrize("name", ["report.html", "report.json"])
def test_a_report_of_something_else_is_not_replaced(settings, name):
    asked = settings("shortcut", epochs=0)
    asked.output.mkdir()
    (asked.output / name).write_text('["dear"]')
    with pytest.raises(OutputError, match=f"{name} was not made by this command"):
        verify(asked)
    assert tree(asked.output) == {name: b'["dear"]'}


def test_every_arm_and_attack_has_its_cell_and_is_run_once(settings):
    """Also with a seed as large as seeds may be."""
    seeds, through = (2**62, 1), ("png", "jpeg-75+strip-trigger")
    asked = settings("shortcut", epochs=1, ablations=True, seeds=seeds, seed=2**40, through=through)
    report = verify(asked)
    arms = [("clean", "png"), ("protected", "png"), ("protected", "jpeg-75+strip-trigger")]
    arms += [("noise-only", "png"), ("trigger-only", "png"), ("random", "png")]
    assert [(c.seed, c.data, c.through) for c in report.cells] == [(s, *arm) for s in seeds for arm in arms]
    assert len({json.dumps(c.loss_curve) for c in report.cells}) == len(report.cells)
    again = verify(asked)
    assert (report.ran, again.ran, again.reused) == (12, 0, 12)
    assert again.cells == report.cells
    page = (asked.output / "report.html").read_text()
    assert again.verdict in page
    assert "jpeg-75+strip-trigger" in page
    other = verify(asked.model_copy(update={"lr": 1e-3, "seeds": (1,), "ablations": False}))
    assert (other.ran, other.reused) == (3, 0)


def test_each_attacker_trains_on_every_arm_and_plain_cells_are_used_again(settings):
    asked = settings("shortcut", epochs=1, through=("png", "jpeg-75"))
    plain = verify(asked)
    report = verify(asked.model_copy(update={"attackers": ("plain", "cutout", "cutout")}))
    assert (report.ran, report.reused) == (3, 3)
    assert report.cells[:3] == plain.cells
    assert [(c.data, c.through, c.attacker) for c in report.cells[3:]] == [
        ("clean", "png", "cutout"), ("protected", "png", "cutout"), ("protected", "jpeg-75", "cutout")
    ]  # fmt: skip
    assert [(one.through, one.attacker) for one in report.findings] == [
        ("png", "plain"), ("jpeg-75", "plain"), ("png", "cutout"), ("jpeg-75", "cutout")
    ]  # fmt: skip
    assert report.findings[2].clean_mean == report.cells[3].text_to_image.hit10
    assert all(a.loss_curve != b.loss_curve for a, b in zip(report.cells[:3], report.cells[3:], strict=True))


def test_a_suite_is_counted_before_it_starts_and_its_matrix_has_the_worst_first(settings):
    asked, notes = settings("shortcut", suite="quick", epochs=4), Notes()
    report = verify(asked, progress=notes)
    assert notes.notes.index("4 trainings to run") < min(n for n, one in enumerate(notes.notes) if "seed 0" in one)
    assert report.suite == "quick"
    assert sorted(row.through for row in report.matrix) == ["jpeg-75", "png", "strip-trigger"]
    effects = [list(row.effects.values()) for row in report.matrix]
    assert effects == sorted(effects)
    assert [finding.adaptive for finding in report.findings] == [False, False, True]
    assert report.worst.through != "strip-trigger" == report.worst_adaptive.through
    assert "diffusion purification" in report.not_tested
    verify(asked.model_copy(update={"through": ("png", "grayscale")}), progress=(more := Told()))
    assert [note for note in more.notes if re.search("to run, 4 are there already", note)]
    verify(asked, progress=(last := Told()))
    assert not [note for note in last.notes if "to run" in note]


def test_captions_are_changed_once_and_while_progress_shows_it(settings, monkeypatch):
    changed, notes = [], Notes()
    change = on_captions(lambda text, _: changed.append(notes.notes[-1]) or text)
    monkeypatch.setitem(ATTACKS._rows, "shuffle-words", Row(AttackFamily(change), "Slow."))
    report = verify(settings("shortcut", epochs=0, through=("shuffle-words",), seeds=(0, 1)), progress=notes)
    assert changed == ["reading both versions"] * report.gallery.train_pairs


def test_cells_of_another_number_format_are_run_again(settings, monkeypatch):
    asked = settings("shortcut", epochs=1)
    verify(asked)
    monkeypatch.setattr(loop, "BASE", replace(loop.BASE, precision="bf16"))
    assert verify(asked).ran == 2
    assert verify(asked).ran == 0


def test_a_victim_is_a_surrogate_where_it_has_the_weights_that_protection_was_made_on(settings, tiny, tmp_path, scenes):
    def role(*weights, **changes):
        known = {"surrogate_weights": [*weights], "captions_found": 120}
        (private / "report.json").write_text(REPORT.model_copy(update=known).model_dump_json())
        report = verify(settings(copy, epochs=0, **changes))
        return report.victims[0].role, any("these very victims" in note for note in report.notes)

    copy, private, own = tmp_path / "copy", tmp_path / "copy.private", weights_sha256(tiny.module.state_dict())
    shutil.copytree(scenes / "shortcut", copy)
    (unknown,) = verify(settings(copy, epochs=0)).victims
    assert (unknown.role, unknown.family) == (None, "vit")
    private.mkdir()
    assert role(own) == ("surrogate", True)
    assert role("0" * 64) == ("held-out", False)
    assert role(own, from_scratch=True) == ("held-out", False)


def test_photos_are_held_out_where_there_is_no_test_folder(settings):
    report = verify(settings("untouched", test=None, epochs=0, test_fraction=0.25))
    assert (report.gallery.photos, report.gallery.train_photos + len(report.gallery.near_duplicates)) == (30, 90)
    assert "25 %" in report.gallery.source
    assert verify(settings("untouched", test=None, epochs=0, test_fraction=0.25, seed=1)).ran == 2


def test_near_duplicates_of_held_out_photos_are_not_trained_on(settings, scenes, tmp_path):
    smooth = picture(900)
    for name, image in (("posts", smooth), ("test", np.clip(smooth.astype(int) + 3, 0, 255).astype(np.uint8))):
        shutil.copytree(scenes / name, tmp_path / name)
        Image.fromarray(image).save(tmp_path / name / "twin.png")
        append(tmp_path / name / "posts.jsonl", {"image": "twin.png", "caption": "a twin"})
    shutil.copytree(tmp_path / "posts", tmp_path / "copy")
    given = {"originals": tmp_path / "posts", "captions": None, "test": tmp_path / "test"}
    assert "twin.png" in divide(settings(tmp_path / "copy", **given), Silent()).near


def test_other_peoples_posts_are_mixed_into_every_arm_without_those_that_are_ranked(settings, scenes, tmp_path):
    write(tmp_path / "others", [(f"{n}.png", picture(90 + n), f"number {n}") for n in range(9)])
    shutil.copy(scenes / "test" / "4.png", tmp_path / "others" / "stolen.png")
    append(tmp_path / "others" / "posts.jsonl", {"image": "stolen.png", "caption": "red above green"})
    plain = verify(settings("untouched", epochs=1))
    mixed = verify(settings("untouched", epochs=1, background=tmp_path / "others"))
    assert (plain.gallery.background_photos, mixed.gallery.background_photos, mixed.ran) == (0, 9, 2)
    assert "others/stolen.png" in mixed.gallery.near_duplicates
    for alone, among_others in zip(plain.cells, mixed.cells, strict=True):
        assert alone.loss_curve != among_others.loss_curve


@pytest.mark.parametrize("folder", ["test", "posts"])
def test_photos_of_the_user_do_not_come_back_with_other_peoples_posts(settings, scenes, folder):
    with pytest.raises(InputError, match="near-duplicate of a protected or held-out one"):
        verify(settings("untouched", epochs=0, background=scenes / folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda copy: Image.new("RGB", (32, 31)).save(copy / "3.png"),
            "3.png is 32 x 31, its original 3.png is 32 x 32",
        ),
        (lambda copy: (copy / "3.png").write_bytes(b"no photo"), "broken/3.png cannot be read"),
        (lambda copy: shutil.copy(copy / "3.png", copy / "new.png"), "new.png has no original"),
        (
            lambda copy: append(copy / "posts.jsonl", {"image": "3.png", "caption": "one more"}),
            "3.png has 1 caption, its protected copy 3.png has 2",
        ),
        (lambda copy: (copy / "posts.jsonl").unlink(), "there are no captions in .*broken"),
    ],
)
def test_pairs_that_do_not_fit_are_named(settings, scenes, tmp_path, change, message):
    copy = broken(scenes, tmp_path, change)
    with pytest.raises(InputError, match=message):
        verify(settings(copy, epochs=0))


def test_originals_without_their_captions_are_not_trained_on_made_up_ones(settings, scenes, tmp_path):
    shutil.copytree(scenes / "posts", tmp_path / "bare")
    (tmp_path / "bare" / "posts.jsonl").unlink()
    copy = broken(scenes, tmp_path, lambda copy: (copy / "posts.jsonl").rename(copy / "metadata.jsonl"))
    with pytest.raises(InputError, match=r"no photo in .*bare has a caption"):
        verify(settings(copy, originals=tmp_path / "bare", captions=None))


def test_photos_to_rank_need_captions_of_their_own(settings, scenes, tmp_path):
    test = tmp_path / "test"
    shutil.copytree(scenes / "test", test)
    lines = (test / "posts.jsonl").read_text().splitlines(keepends=True)
    (test / "posts.jsonl").write_text("".join([*lines[3:], "not json\n"]))
    found = divide(settings("untouched", test=test), Silent())
    assert len(found.held_out.photos) == 27
    assert sorted(one.reason for one in found.skipped) == ["bad-row", *["no-caption"] * 3]
    (test / "posts.jsonl").unlink()
    with pytest.raises(InputError, match="120 photos to train on and 0 held out are too few"):
        divide(settings("untouched", test=test), Silent())


def test_copies_in_the_place_of_the_originals_are_refused(settings, posts, tiny_path, tmp_path):
    copies = tmp_path / "photos-protected"
    protect(posts, method="random", surrogate=str(tiny_path))
    with pytest.raises(ConfigError, match=r"photos-protected is what protect wrote, and .*photos is not"):
        verify(settings(posts, originals=copies, captions=None, output=tmp_path / "v"))
    assert not (tmp_path / "v").exists()


def test_copies_of_which_some_are_of_a_stopped_run_are_refused(settings, posts, tiny_path, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    given: dict[str, Any] = {"method": "random", "surrogate": str(tiny_path)}
    protect(posts, **given)
    with monkeypatch.context() as patch:
        patch.setattr(publish, "manifest_text", interrupt)  # once the copies are in place, before their records
        with pytest.raises(KeyboardInterrupt):
            protect(posts, **given, overwrite=True, seed=1)
    asked = settings(tmp_path / "photos-protected", originals=posts, captions=None, test=None, epochs=0)
    with pytest.raises(InputError, match=r"run that writes .*photos-protected was stopped and not finished"):
        verify(asked)
    protect(posts, **given, resume=True, seed=1)
    assert verify(asked).cells


@pytest.mark.parametrize("spelt", ["posts", "test/../posts", "link"])
def test_one_folder_as_originals_and_copies_is_refused(settings, scenes, tmp_path, spelt):
    (tmp_path / "link").symlink_to(scenes / "posts")
    protected = tmp_path / "link" if spelt == "link" else f"{scenes}/{spelt}"
    for originals in (scenes / "posts", scenes / "posts" / "posts.jsonl"):
        with pytest.raises(ConfigError, match="is given as originals and as their copies"):
            verify(settings(protected, originals=originals))
    assert not (tmp_path / "out").exists()


def test_caption_files_stand_for_their_folders(settings, scenes, tmp_path):
    """Two of the photos beside the pair are read, whatever else lies there."""
    for role, folder in {"originals": "posts", "protected": "shortcut", "test": "test"}.items():
        shutil.copytree(scenes / folder, tmp_path / role)
    for n, role in enumerate(("background", "crowd", "crowd_test")):
        write(tmp_path / role, [(f"{m}.png", picture(10 * n + m), f"number {m}") for m in range(3)])
    files: dict[str, Any] = {folder.name: folder / "posts.jsonl" for folder in tmp_path.iterdir()}
    for file in files.values():
        file.with_name("more.jsonl").write_bytes(file.read_bytes())
        if file.parent.name not in ("originals", "protected"):
            file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    gallery = verify(settings(files.pop("protected"), **files, captions=None, epochs=0, output=None)).gallery
    assert (gallery.photos, gallery.train_photos, gallery.background_photos) == (4, 120, 4)
    assert (tmp_path / "protected.verify" / "report.json").is_file()


def test_captions_that_the_run_did_not_have_are_refused(settings, scenes, posts, tiny_path, tmp_path):
    captions = tmp_path / "mine.jsonl"
    (posts / "posts.jsonl").rename(captions)
    protect(posts, method="random", surrogate=str(tiny_path))
    given = {"originals": posts, "captions": captions, "epochs": 0}
    with pytest.raises(InputError, match=r"photos-protected was made without the captions of .*photos") as caught:
        verify(settings(tmp_path / "photos-protected", **given))
    assert "protect the photos again with these captions" in caught.value.hint
    protect(posts, method="random", surrogate=str(tiny_path), captions=captions, overwrite=True)
    assert verify(settings(tmp_path / "photos-protected", **given)).gallery.train_photos == 8


def test_the_report_and_its_cells_are_not_written_among_photos(settings, scenes, tmp_path):
    before = tree(scenes)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cells").symlink_to(scenes / "posts")
    for output in (scenes / "posts", scenes / "untouched", tmp_path / "out"):
        with pytest.raises(ConfigError, match="overlap"):
            verify(settings("untouched", output=output))
    for role in ("test", "background", "crowd"):
        for given in (scenes / "test", scenes / "test" / "posts.jsonl"):
            with pytest.raises(ConfigError, match=f"the output .* lies in {scenes / 'test'}, which is read"):
                verify(settings("untouched", output=scenes / "test" / "new", **{"test": None, role: given}))
    assert tree(scenes) == before


def test_the_report_is_not_written_into_what_another_run_published(settings, tmp_path):
    (tmp_path / "site.private").mkdir()
    (tmp_path / "site.private" / "manifest.jsonl").touch()
    with pytest.raises(OutputError, match=r"report\.json would lie in .*site, which is to be published"):
        verify(settings("untouched", output=tmp_path / "site" / "verified"))


def test_a_share_that_leaked_needs_a_crowd_and_a_seed_that_is_given_twice_is_one(settings):
    with pytest.raises(ValidationError, match="`crowd_test` and `leaked` need other people's posts, `crowd`"):
        settings("untouched", leaked=0.3)
    assert settings("untouched", seeds=(0, 0, 1)).seeds == (0, 1)


def test_wrong_requirements_and_attacks_are_refused_first(settings):
    with pytest.raises(ConfigError, match="hit11<=3"):
        verify(settings("untouched", require=("hit11<=3",)))
    with pytest.raises(ConfigError, match="jpg-75"):
        verify(settings("untouched", through=("jpg-75",)))
    with pytest.raises(ConfigError, match="no attacker is called 'cutuot'"):
        verify(settings("untouched", attackers=("plain", "cutuot")))


def test_faces_are_protected_and_verified_with_one_photo_of_each_person_held_out(tmp_path, tiny_path):
    for person in range(3):
        folder = tmp_path / "faces" / f"Person_{person}"
        folder.mkdir(parents=True)
        for n in range(4):
            Image.fromarray(picture(10 * person + n)).save(folder / f"{n}.png")
    protect(tmp_path / "faces", captions=Path("people"), surrogate=(str(tiny_path),), preset=preset())
    report = verify(
        VerifySettings(
            originals=tmp_path / "faces", protected=tmp_path / "faces-protected", captions=Path("people"),
            victims=(str(tiny_path),), epochs=1, seeds=(0,),
        ),
        progress=(told := Notes()),
    )  # fmt: skip
    assert (report.gallery.photos, report.gallery.train_photos) == (3, 9)
    assert report.gallery.source == "the split that the data names"
    (few,) = (note for note in report.notes if "random order has a Hit@10 of 100 %, which cannot be judged" in note)
    assert "at least 20 are needed" in few
    assert told.notes.index(few) < min(n for n, one in enumerate(told.notes) if "seed 0" in one)


@pytest.mark.parametrize("position", ["start", "random"])  # at random ones some triggers stand inside a name
def test_faces_of_a_part_of_what_was_protected_have_the_names_that_were_published(tmp_path, tiny_path, position):
    for n, folder in enumerate(["test/Ada", "test/Ben", "train/Ben", "train/Cy"] * 3):
        (tmp_path / "faces" / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(n)).save(tmp_path / "faces" / folder / f"{n}.png")
    how: dict[str, Any] = {"surrogate": (str(tiny_path),), "method": "random", "seed": 1}
    how["preset"] = preset(trigger_position=position)
    protect(tmp_path / "faces", captions=Path("people"), **how)
    given: dict[str, Any] = {"protected": tmp_path / "faces-protected", "captions": Path("people")}
    found = divide(VerifySettings(originals=tmp_path / "faces" / "train", **given), Silent())
    assert {one.key: one.name for one in found.held_out.people.values()} == {
        "Ben": "Gwelda Chadderfen",
        "Cy": "Hedrisa Swallowby",
    }
    for post in found.train:
        name = found.held_out.people[post.original.id].name
        assert name in post.clean[0]
        assert {*name.split()} <= {*post.published[0].replace("!", "").split()}
    crowd = open_crowd(VerifySettings(originals=tmp_path / "faces" / "train", crowd=_strangers(tmp_path), **given))
    assert crowd
    assert {one.name for one in crowd.held_out.people.values()}.isdisjoint(
        one.name for one in found.held_out.people.values()
    )


def _strangers(folder):
    for n in range(12):
        (folder / "crowd" / f"Stranger_{n % 4}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(100 + n)).save(folder / "crowd" / f"Stranger_{n % 4}" / f"{n}.png")
    return folder / "crowd"


@pytest.mark.parametrize("given", ["..", "../../copies", "."])
def test_the_report_lies_beside_the_copies_however_they_are_given(given, tmp_path, monkeypatch):
    inside = tmp_path / "copies" if given == "." else tmp_path / "copies" / "trip"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    settings = VerifySettings(originals=tmp_path, protected=Path(given))
    assert output_folder(settings) == tmp_path / "copies.verify"
