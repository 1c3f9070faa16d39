"""Every suite reads the layouts its data set is published in, and says what it looked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from PIL import Image

from tests.benchmark.conftest import SPLIT, captions, photos
from unlearnable.benchmark import SUITES, suites
from unlearnable.benchmark.plan import SCALES
from unlearnable.benchmark.run import DATA, locate
from unlearnable.benchmark.suites import TRANSFER
from unlearnable.errors import InputError
from unlearnable.settings import BASELINES, SMALL_VIT_RATE, BenchmarkSettings, mem_name


def counts(corpus):
    return len(corpus.train), len(corpus.test), sum(len(item.captions) for item in corpus.test)


def test_flickr_as_a_jsonl_with_splits(flickr):
    corpus = SUITES["flickr8k"].read(flickr, None, 0)
    assert counts(corpus) == (8, 4, 8)
    assert corpus.test[0].captions == tuple(captions(9))
    assert len(SUITES["flickr8k"].read(flickr, 3, 0).train) == 3


def test_flickr_in_karpathys_layout(tmp_path):
    names = photos(tmp_path / "data" / "Images")
    rows = [
        {"filename": x, "split": SPLIT[n], "sentences": [{"raw": c} for c in captions(n)]} for n, x in enumerate(names)
    ]
    (tmp_path / "data" / "dataset_flickr30k.json").write_text(json.dumps({"images": rows}))
    assert counts(flickr_read(tmp_path / "data")) == (8, 4, 8)


def test_flickr_in_karpathys_three_files_takes_that_of_the_photos_there(tmp_path):
    names = photos(tmp_path / "data" / "Images")
    for dataset, own in (("coco", [f"COCO_{x}" for x in names]), ("flickr8k", names)):
        rows = [
            {"filename": x, "split": SPLIT[n], "sentences": [{"raw": c} for c in captions(n)]}
            for n, x in enumerate(own)
        ]
        (tmp_path / "data" / f"dataset_{dataset}.json").write_text(json.dumps({"images": rows}))
    assert counts(flickr_read(tmp_path / "data")) == (8, 4, 8)


def test_flickr_as_a_token_file_beside_lists_of_the_split(tmp_path):
    root = tmp_path / "data"
    names = photos(root / "Flicker8k_Dataset")
    (root / "text").mkdir()
    lines = [f"{x}#{k}\t{c}\n" for n, x in enumerate(names) for k, c in enumerate(captions(n))]
    (root / "text" / "Flickr8k.token.txt").write_text("".join(lines))
    with pytest.raises(InputError, match=r"Flickr8k.token.txt, but no captions that split its photos"):
        flickr_read(root)
    for split, name in (("train", "trainImages"), ("val", "devImages"), ("test", "testImages")):
        own = [x for x, s in zip(names, SPLIT, strict=True) if s == split]
        (root / "text" / f"Flickr_8k.{name}.txt").write_text("".join(f"{x}\n" for x in own))
    (root / "text" / "Flickr8k.lemma.token.txt").write_text("".join(line.upper() for line in lines))
    (root / "text" / "latest.txt").write_bytes(b"\xff\xfe")
    (root / "text" / "contest.txt").write_bytes(b"\0\xff\xfe\0" * 9)
    assert counts(flickr_read(root)) == (8, 4, 8)
    for name, encoding in (("trainImages", "utf-8-sig"), ("testImages", "utf-16")):  # as editors on Windows save them
        path = root / "text" / f"Flickr_8k.{name}.txt"
        path.write_bytes(path.read_text().replace("\n", "\r\n").encode(encoding))
    assert counts(flickr_read(root)) == (8, 4, 8)
    assert flickr_read(root).train[0].captions[0] == captions(0)[0], "not the lemmatised one"
    (root / "text" / "Flickr8k.token.txt").write_text("".join(lines[2:-2]))  # nothing of the first photo and the last
    bare = flickr_read(root)
    assert counts(bare) == (7, 3, 6)
    assert [(one.where, one.reason) for one in bare.skipped] == [
        (f"Flicker8k_Dataset/{name}", "no-caption") for name in (names[0], names[-1])
    ]


def test_lists_of_the_split_say_which_photos_are_gone(tmp_path):
    root = tmp_path / "data"
    names = photos(root)
    lines = [f"{x}#{k}\t{c}\n" for n, x in enumerate(names) for k, c in enumerate(captions(n))]
    (root / "Flickr8k.token.txt").write_text("".join(lines))
    (root / "Flickr_8k.trainImages.txt").write_text("".join(f"{x}\n" for x in [*names[:9], "gone.jpg", "lost.jpg"]))
    (root / "Flickr_8k.testImages.txt").write_text("".join(f"{x}\n" for x in names[8:]))
    (root / "latest.txt").write_text("no list of photos\n")
    corpus = flickr_read(root)
    assert len(corpus.train) == 8, "a photo that is ranked is not trained on"
    assert [(one.where, one.reason, one.detail) for one in corpus.skipped] == [
        ("Flickr_8k.trainImages.txt", "missing-photo", "no file for 2 of 11 photos, such as gone"),
    ]


def test_rows_that_put_a_photo_into_two_splits_are_said(tmp_path):
    names = photos(tmp_path / "data")
    rows = [
        {"filename": x, "split": SPLIT[n], "sentences": [{"raw": c} for c in captions(n)]} for n, x in enumerate(names)
    ]
    rows.append({**rows[-1], "split": "train"})
    (tmp_path / "data" / "dataset_flickr30k.json").write_text(json.dumps({"images": rows}))
    assert flickr_read(tmp_path / "data").notes == (
        f"dataset_flickr30k.json puts 1 photo into several splits, such as {names[-1]}: the first counts",
    )


def test_coco_in_both_layouts(tmp_path, monkeypatch):
    root = tmp_path / "coco"
    train, val = photos(root / "train2014", 6), photos(root / "val2014", 5)
    for part, names in (("train", train), ("val", val)):
        images = [{"id": n, "file_name": x} for n, x in enumerate(names)]
        notes = [
            {"id": 9 * n + k, "image_id": n, "caption": c} for n in range(len(names)) for k, c in enumerate(captions(n))
        ]
        (root / "annotations").mkdir(exist_ok=True)
        text = json.dumps({"images": images, "annotations": notes})
        (root / "annotations" / f"captions_{part}2014.json").write_text(text)
    for folder, names in (("train2014", train), ("val2014", val)):  # the real names differ between the two
        for x in names:
            (root / folder / x).rename(root / folder / f"COCO_{folder}_{x}")
    for part in ("train", "val"):
        path = root / "annotations" / f"captions_{part}2014.json"
        path.write_text(path.read_text().replace('"file_name": "', f'"file_name": "COCO_{part}2014_'))
    monkeypatch.setattr(suites, "COCO_TEST", 3)
    lacking = root / "annotations" / "captions_val2014.json"
    lacking.write_text(lacking.read_text().replace('"images": [', '"images": [{"id": 99, "file_name": "gone.jpg"}, '))
    corpus = suites.read_coco(root, None, 0)
    assert counts(corpus) == (6, 3, 6)
    assert [(one.where, one.reason) for one in corpus.skipped] == [("captions_val2014.json:images[0]", "missing-photo")]
    assert all(item.photo.id.startswith("train2014/") for item in corpus.train)
    assert corpus.notes == (f"{len(corpus.test)} {suites.COCO_NOTE}",)
    rows = [
        {"filepath": f"{s}2014", "filename": f"COCO_{s}2014_{n:04d}.jpg", "split": {"train": "train", "val": "test"}[s],
         "sentences": [{"raw": c} for c in captions(n)]}
        for s in ("train", "val") for n in range(5)
    ]  # fmt: skip
    (root / "dataset_coco.json").write_text(json.dumps({"images": rows}))
    assert counts(suites.read_coco(root, None, 0)) == (5, 5, 10)
    assert suites.read_coco(root, None, 0).notes == ()


def test_pubfig_holds_out_a_photo_of_everyone_and_renames_them(faces):
    corpus = suites.read_pubfig(faces, None, 0)
    assert counts(corpus) == (8, 4, 4)
    assert not any("Person" in text for item in (*corpus.train, *corpus.test) for text in item.captions)
    assert len(suites.read_pubfig(faces, 1, 0).train) == 4


def test_pubfig_trains_on_no_near_duplicate_of_a_photo_that_was_drawn_to_be_ranked(faces):
    for photo in list(faces.rglob("*.png")):
        Image.open(photo).save(photo.with_suffix(".jpg"), quality=80)
    after = suites.read_pubfig(faces, None, 0)
    other = {".png": ".jpg", ".jpg": ".png"}
    near = [one.where for one in after.skipped if one.reason == "near-duplicate"]
    assert sorted(near) == sorted(
        str(PurePosixPath(item.photo.id).with_suffix(other[item.photo.path.suffix])) for item in after.test
    )
    assert counts(after) == (4 * (6 - 2), 4, 4)
    assert after.notes == ("not trained on: 4 near-duplicates of photos to rank",)


def test_faces_are_no_captions_of_flickr(faces):
    rows = [{"image": str(path.relative_to(faces)), "person": path.parent.name} for path in faces.rglob("*.png")]
    for n, row in enumerate(sorted(rows, key=str)):
        row["split"] = "test" if n % 3 == 0 else "train"
    (faces / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"holds manifest\.jsonl, but no captions that split its photos"):
        SUITES["flickr8k"].read(faces, None, 0)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_wrong_layout_says_what_was_looked_for_and_what_was_found(name, tmp_path):
    photos(tmp_path / "data", 2)
    with pytest.raises(InputError) as caught:
        SUITES[name].read(tmp_path / "data", None, 0)
    assert str(tmp_path / "data") in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_data_set_that_is_not_there_says_where_it_can_be_had(name, tmp_path, monkeypatch):
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    monkeypatch.setenv("UNLEARNABLE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError) as caught:
        locate(BenchmarkSettings(dataset=name), SUITES[name])
    assert str(tmp_path / "data" / name) in caught.value.message
    assert str(tmp_path / "cache" / "data" / name) in caught.value.message
    assert SUITES[name].published in (caught.value.hint or "")
    (tmp_path / "cache" / "data" / name).mkdir(parents=True)
    assert locate(BenchmarkSettings(dataset=name), SUITES[name]) == tmp_path / "cache" / "data" / name


@pytest.mark.parametrize("name", sorted(SUITES))
def test_the_papers_figures_are_of_methods_and_architectures_that_exist(name):
    for (method, architecture, fraction), row in SUITES[name].paper.items():
        assert architecture in ("", "RN50", "RN101", "ViT-B-32")
        assert method in ("random ranking", "pretrained", *BASELINES, TRANSFER) or mem_name(method)
        assert 0 <= fraction <= 1
        assert row.table in range(1, 6)
        for way in (row.image_to_text, row.text_to_image):
            assert way.medr >= 1
            assert way.hit10 is None or 0 < way.hit10 <= 100


def flickr_read(root):
    return suites.read_flickr(root, None, 0)


def test_a_victim_that_needs_a_rate_of_its_own_has_it():
    scale = SCALES["faces", "small"]
    assert scale.recipe_of("vit-small", 2) == replace(scale.recipe, seed=2, lr=SMALL_VIT_RATE)
    assert scale.recipe_of("small", 2) == replace(scale.recipe, seed=2)
