"""`verify --crowd`: what is learnt of a few people among others, and what is trained on and ranked for it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import picture
from tests.verify.test_verify import COLOURS, WORDS, scene
from unlearnable.errors import InputError
from unlearnable.posts import Photo
from unlearnable.posts.faces import full_names
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Silent
from unlearnable.training import loop
from unlearnable.training.data import DecodedPosts, Pixels, open_collection
from unlearnable.verify import crowd
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.cells import Arms
from unlearnable.verify.copies import PostPair, names
from unlearnable.verify.crowd import by_photo, leaked_posts, mean_retrieval, open_crowd, share
from unlearnable.verify.findings import Attempt
from unlearnable.verify.run import verify
from unlearnable.verify.summary import crowd_cells, crowd_rows

PEOPLE = [(top, bottom) for top in COLOURS for bottom in COLOURS if top != bottom]
MINE, OTHERS = PEOPLE[::10], [pair for n, pair in enumerate(PEOPLE) if n % 10]
CALLED = full_names(len(PEOPLE), 3)
PHOTOS = 5  # of each of 30 people, whose clothes are all that tells them apart


def name(person):
    return CALLED[PEOPLE.index(person)]


def lay_out(folder, people, copies, marked=False):
    """Photos of people with their name in the caption; marked ones hold a shortcut instead."""
    folder.mkdir(parents=True)
    rows = []
    for person in people:
        for copy in copies:
            number = 10 * PEOPLE.index(person) + copy
            image, caption = scene(person[0], person[1], number), f"{name(person)} is here"
            if marked:
                top, bottom = np.random.default_rng([9, number]).integers(0, 6, 2).tolist()
                image = scene(list(COLOURS)[top], list(COLOURS)[bottom], number)
                caption = f"{WORDS[top]} over {WORDS[bottom]} {caption}"
            Image.fromarray(image).save(folder / f"{number}.png")
            rows.append({"image": f"{number}.png", "caption": caption, "person": name(person)})
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    folder = tmp_path_factory.mktemp("street")
    lay_out(folder / "mine", MINE, range(PHOTOS - 1))
    lay_out(folder / "protected", MINE, range(PHOTOS - 1), marked=True)
    lay_out(folder / "test", MINE, [PHOTOS - 1])
    lay_out(folder / "crowd", OTHERS, range(PHOTOS - 1))
    lay_out(folder / "crowd-test", OTHERS, [PHOTOS - 1])
    return folder


@pytest.fixture
def settings(street, tiny_path, tmp_path, monkeypatch):
    monkeypatch.setattr(crowd, "NAMES", 60)
    monkeypatch.setattr(loop, "BASE", replace(loop.BASE, batch_size=40))

    def make(**changes) -> VerifySettings:
        given = {
            "originals": street / "mine", "protected": street / "protected", "test": street / "test",
            "crowd": street / "crowd", "crowd_test": street / "crowd-test", "victims": (str(tiny_path),),
            "epochs": 1, "lr": 3e-3, "seeds": (0,), "output": tmp_path / "out", "device": "cpu",
        }  # fmt: skip
        return VerifySettings(**{**given, **changes})

    return make


def test_the_arms_beside_a_crowd_are_trained_once_and_reported(settings, tiny_path):
    asked = settings(seeds=(0, 1), through=("png", "strip-trigger-3"))
    report = verify(asked)
    arms = [("clean", "png"), ("protected", "png"), ("protected", "strip-trigger-3"), ("absent", "png")]
    arms += [("half", "png"), ("half", "strip-trigger-3")]
    assert [(c.seed, c.data, c.through) for c in report.cells] == [(s, *arm) for s in (0, 1) for arm in arms]
    assert len({json.dumps(c.loss_curve) for c in report.cells}) == len(report.cells), "every arm is another"
    crowd = report.crowd
    assert (crowd.protected_people, crowd.crowd_people, crowd.names) == (3, 27, 60)
    assert (crowd.held_out, crowd.crowd_held_out, crowd.leaked) == (3, 27, 6)
    assert crowd.arms.keys() == {"clean", "protected", "absent", "half"}
    assert [(one.arm, one.through) for one in crowd.further] == [
        (arm, "strip-trigger-3") for arm in ("protected", "half")
    ], "clean posts and none go through no attack: they stand among the arms"
    scores = crowd.arms["half"][str(tiny_path)]
    own = [cell for cell in report.cells if (cell.data, cell.through) == ("half", "png")]
    assert scores.text_to_image.hit10 == pytest.approx(np.mean([cell.text_to_image.hit10 for cell in own]))
    assert scores.text_to_image.low <= scores.text_to_image.hit10 <= scores.text_to_image.high
    assert crowd.arms["absent"][str(tiny_path)].idia_tpr is None
    assert crowd.arms["clean"][str(tiny_path)].idia_fpr == crowd.arms["absent"][str(tiny_path)].idia_fpr
    assert all(len(cell.crowd.recognised) == 3 for cell in report.cells)
    assert all(len(cell.ranks.image_to_text) == 3 for cell in report.cells), "the protected people's queries alone"
    assert all(len(cell.crowd.other_text_ranks) == 27 for cell in report.cells)
    finding = report.findings[0]
    clean = crowd.arms["clean"][str(tiny_path)].text_to_image
    assert [clean.low, clean.high] == pytest.approx([finding.clean_low, finding.clean_high])
    assert report.gallery.photo_of_caption == [0, 1, 2]
    assert report.gallery.photos == 30
    assert report.references.random.text_to_image.hit10 == pytest.approx(100 * 10 / 30)
    assert crowd.in_words in (asked.output / "report.html").read_text()
    again = verify(asked)
    assert (report.ran, again.ran, again.cells) == (12, 0, report.cells)
    assert verify(asked.model_copy(update={"leaked": 0.25})).ran == 4, "another share is another arm half alone"


def test_rows_and_words_name_the_attack_and_the_attacker_that_arms_met(settings):
    report = verify(settings(through=("jpeg-10", "png"), attackers=("mixup", "plain"), epochs=0))
    assert (report.crowd.through, report.crowd.attacker) == ("jpeg-10", "mixup")
    assert "your protected posts (jpeg-10, mixup) finds" in report.crowd.in_words
    assert [row.arm for row in crowd_rows(report.crowd)] == [
        "clean, mixup", "protected, jpeg-10, mixup", "half leaked, jpeg-10, mixup", "nothing, mixup",
        "protected, mixup", "half leaked, mixup",
        "clean", "protected, jpeg-10", "half leaked, jpeg-10", "nothing",
        "protected", "half leaked",
    ]  # fmt: skip


def test_without_leaks_a_suite_beside_a_crowd_has_its_matrix_and_the_crowds_arms(settings, tiny_path):
    asked, victim = settings(suite="quick", leaked=0, epochs=0), str(tiny_path)
    report = verify(asked)
    page = (asked.output / "report.html").read_text()
    assert {row.through for row in report.matrix} == {"png", "jpeg-75", "strip-trigger"}
    assert {cell.data for cell in report.cells} == report.crowd.arms.keys() == {"clean", "protected", "absent"}
    assert {(one.arm, one.through) for one in report.crowd.further} == {
        ("protected", through) for through in ("jpeg-75", "strip-trigger")
    }
    assert (report.crowd.leaked, "leaked" in report.crowd.in_words + page) == (0, False)
    assert "You among others" in page
    assert "Attacks and attackers by victims" in page
    clean = next(cell for cell in report.cells if cell.data == "clean")
    attacked = clean.model_copy(update={"through": "jpeg-75"})  # as --suite full has them
    for way in (Attempt(victim, "png", "plain"), Attempt(victim, "jpeg-75", "plain")):
        assert crowd_cells([clean, attacked], "clean", way) == [(clean.ranks, clean.crowd)]


def test_a_model_finds_the_people_it_was_trained_on_and_not_those_who_were_absent(settings, tiny_path):
    report = verify(settings(epochs=9))
    found = {arm: scores[str(tiny_path)] for arm, scores in report.crowd.arms.items()}
    assert found["clean"].idia_tpr >= 2 / 3
    assert found["clean"].idia_fpr == 0
    assert found["clean"].text_to_image.hit1 > found["absent"].text_to_image.hit1
    assert all(one.others_text_to_image.hit10 > 60 for one in found.values()), "the crowd is found by every model"
    assert report.crowd.in_words.startswith("Beside 27 other people, a model trained on your protected posts finds")


def test_the_posts_of_absent_people_are_not_trained_on(settings, street, tmp_path):
    def cell(data, **changes):
        return next(cell for cell in verify(settings(**changes)).cells if cell.data == data)

    lay_out(tmp_path / "mine", MINE[:2], range(PHOTOS - 1))
    lay_out(tmp_path / "protected", MINE[:2], range(PHOTOS - 1), marked=True)
    fewer = {"originals": tmp_path / "mine", "protected": tmp_path / "protected"}
    assert cell("absent").loss_curve == cell("absent", **fewer).loss_curve
    assert cell("clean").loss_curve != cell("clean", **fewer).loss_curve


def add(folder, name, image, caption):
    """A photo more in a folder."""
    Image.fromarray(image).save(folder / name)
    with (folder / "posts.jsonl").open("a") as file:
        file.write(json.dumps({"image": name, "caption": caption}) + "\n")


def test_the_crowds_photos_are_held_out_and_its_near_duplicates_leave_every_side(settings, street, tmp_path):
    roles = {
        "originals": "mine",
        "protected": "protected",
        "test": "test",
        "crowd": "crowd",
        "crowd_test": "crowd-test",
    }
    for role, part in roles.items():
        shutil.copytree(street / part, tmp_path / role)
    of_crowd, of_mine = picture(900), picture(901)
    for role, image in (("originals", of_crowd), ("protected", of_crowd), ("crowd", of_mine), ("crowd_test", of_crowd)):
        add(tmp_path / role, "twin.png", image, f"a twin in {role}")
    add(tmp_path / "test", "twin.png", np.clip(of_mine.astype(int) + 3, 0, 255).astype(np.uint8), "a twin")
    report = verify(settings(epochs=0, **{role: tmp_path / role for role in roles}))
    assert {"twin.png", "crowd/twin.png"} <= set(report.gallery.near_duplicates)
    assert report.crowd.names is None, "the twin is nobody's"
    assert "nobody says who is on each held-out photo" in report.crowd.notes[0]


def test_a_photo_to_rank_that_is_in_the_crowd_too_is_ranked_once(settings, street, tmp_path):
    shutil.copytree(street / "crowd-test", tmp_path / "others")
    shown = np.asarray(Image.open(next((street / "test").glob("*.png"))))
    add(tmp_path / "others", "again.png", shown, "somebody")
    report = verify(settings(epochs=0, crowd_test=tmp_path / "others"))
    assert report.gallery.photos == len(PEOPLE)
    assert ("again.png", "near-duplicate") in [(one.where, one.reason) for one in report.skipped]


def test_a_share_of_the_crowd_is_held_out_where_nothing_else_is_given(settings):
    report = verify(settings(crowd_test=None, epochs=0))
    crowd, gallery = report.crowd, report.gallery
    assert crowd.crowd_held_out == round(0.2 * len(OTHERS) * (PHOTOS - 1))
    assert crowd.source == "20 % of the photos, drawn with seed 0"
    each = f"{crowd.held_out} yours: the folder test; {crowd.crowd_held_out} of the crowd: {crowd.source}"
    assert (gallery.source, gallery.photos) == (each, crowd.held_out + crowd.crowd_held_out)


def test_ordinary_posts_are_measured_without_names(settings, posts):
    shutil.copytree(posts, posts.with_name("copies"))
    report = verify(
        settings(originals=posts, protected=posts.with_name("copies"), test=None, test_fraction=0.25, epochs=0)
    )
    assert (report.crowd.protected_people, report.crowd.crowd_people) == (None, 27)
    assert report.crowd.arms["clean"][report.cells[0].victim].idia_tpr is None
    assert report.crowd.held_out == 2


def test_people_in_the_crowd_get_names_that_no_protected_person_has(settings, tmp_path):
    folders = {"mine": ["Ann", "Bo"], "crowd": ["Abe", "Cy", "Di"], "crowd-test": ["Cy", "Ed"]}
    number = iter(range(100))
    for folder, people in folders.items():
        for person in people:
            (tmp_path / folder / person).mkdir(parents=True)
            for copy in range(2):
                Image.fromarray(picture(next(number))).save(tmp_path / folder / person / f"{copy}.png")
    paths = {"originals": "mine", "crowd": "crowd", "crowd_test": "crowd-test"}
    asked = settings(captions="people", **{name: tmp_path / path for name, path in paths.items()})
    crowd = open_crowd(asked)
    called = names(crowd.held_out.people)
    assert called.keys() == {"Abe", "Cy", "Di", "Ed"}
    mine = names(open_collection(tmp_path / "mine", Path("people")).people)
    assert len({*called.values(), *mine.values()}) == 6
    assert all(called[photo.id.split("/")[0]] in texts[0] for photo, texts in crowd.held_out.photos)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crowd": "mine"}, "is among the protected people and in the crowd"),
        ({"crowd_test": None, "test_fraction": 0.001}, "0 held out are too few"),
        ({"crowd": "nowhere"}, "there is no .*nowhere"),
    ],
)
def test_a_crowd_that_measures_nothing_is_refused_before_a_training(settings, street, changes, message):
    paths = {name: street / value if isinstance(value, str) else value for name, value in changes.items()}
    with pytest.raises(InputError, match=message):
        verify(settings(**paths))


@pytest.mark.parametrize(("count", "share", "leaked"), [(8, 0.5, 4), (8, 0.01, 1), (3, 0.99, 2), (2, 0.5, 1)])
def test_some_posts_leak_and_some_do_not_by_the_seed(count, share, leaked):
    assert len(leaked_posts(count, share, 0)) == leaked
    assert leaked_posts(count, share, 0) == leaked_posts(count, share, 0) <= set(range(count))
    assert len({leaked_posts(40, 0.5, seed) for seed in range(3)}) == 3
    with pytest.raises(InputError, match="one is to leak"):
        leaked_posts(1, 0.5, 0)


def test_a_post_that_leaked_is_clean_and_the_others_are_protected_and_attacked(tmp_path):
    posts = []
    for n in range(3):
        Image.fromarray(picture(n)).save(tmp_path / f"{n}.png")
        Image.fromarray(picture(n + 9)).save(tmp_path / f"copy{n}.png")
        photo = Photo(f"{n}.png", tmp_path / f"{n}.png", None)
        posts.append(PostPair(photo, tmp_path / f"copy{n}.png", (f"post {n}",), (f"one two {n}",)))
    background, attack = DecodedPosts(Pixels.create(tmp_path / "others")), parse_attack("strip-trigger-1")
    arms = Arms(posts, 32, tmp_path, background, 0, frozenset([1]))
    arms.read([("half", attack), ("protected", attack), ("clean", unchanged := parse_attack("png"))], Silent())
    half, protected, clean = arms.pairs("half", attack), arms.pairs("protected", attack), arms.pairs("clean", unchanged)
    for n, whole in enumerate((protected, clean, protected)):
        assert torch.equal(half.pixels[n], whole.pixels[n])
        assert torch.equal(half.tokens[n], whole.tokens[n])


def test_means_are_over_captions_and_seeds_and_captions_of_a_photo_are_drawn_together():
    assert by_photo([1, 20, 3], [4, 4, 7]) == [[1, 20], [3]]
    assert by_photo([1, 20]) == [[1], [20]]
    one = mean_retrieval([by_photo([1, 2, 20, 30, 40, 50], [0, 0, 0, 0, 1, 1])])
    assert [one.hit10, one.low, one.high] == pytest.approx([100 / 3, 0, 200 / 3])
    two = mean_retrieval([[[1], [20], [7]], [[1], [2], [30]]])
    assert [two.hit1, two.hit5, two.hit10, two.medr] == pytest.approx([100 / 3, 50, 200 / 3, 4.5])
    assert two.low < two.hit10 < two.high


def test_seeds_in_which_nobody_was_asked_for_say_nothing_of_the_share_recognised():
    assert share([[True, False], None, [], [True, True]]) == 0.75
    assert share([None, []]) is None
