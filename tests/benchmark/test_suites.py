"""Every suite reads the layouts its data set is published in, and says what it looked for."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest
from PIL import Image

from tests.benchmark.conftest import SPLIT, captions, photos
from unlearnable.benchmark import SUITES, suites
from unlearnable.benchmark.plan import SCALES
from unlearnable.benchmark.run import DATA, locate
from unlearnable.benchmark.suites import TRANSFER, read_coco, read_flickr, read_pubfig
from unlearnable.errors import InputError
from unlearnable.settings import BASELINES, SMALL_VIT_RATE, BenchmarkSettings, mem_name


def counts(corpus):
    return len(corpus.train), len(corpus.test), sum(len(item.captions) for item in corpus.test)


def karpathy(names, splits, **more):
    rows = [
        {"filename": name, "split": split, "sentences": [{"raw": c} for c in captions(n)], **more}
        for n, (name, split) in enumerate(zip(names, splits, strict=True))
    ]
    return json.dumps({"images": rows})


def test_flickr_as_a_jsonl_with_splits(flickr):
    corpus = SUITES["flickr8k"].read(flickr, None, 0)
    assert counts(corpus) == (8, 4, 8)
    assert corpus.test[0].captions == tuple(captions(9))
    assert len(SUITES["flickr8k"].read(flickr, 3, 0).train) == 3


def test_flickr_in_karpathys_files_takes_that_of_the_photos_there(tmp_path):
    names = photos(tmp_path / "data" / "Images")
    (tmp_path / "data" / "dataset_coco.json").write_text(karpathy([f"COCO_{x}" for x in names], SPLIT))
    (tmp_path / "data" / "dataset_flickr8k.json").write_text(karpathy([*names, names[-1]], [*SPLIT, "train"]))
    corpus = read_flickr(tmp_path / "data", None, 0)
    assert counts(corpus) == (8, 4, 10)
    assert "1 photo into several splits" in corpus.notes[0]


def test_flickr_as_a_token_file_beside_lists_of_the_split(tmp_path):
    root = tmp_path / "data"
    names = photos(root / "Flicker8k_Dataset")
    text = root / "text"
    text.mkdir()
    lines = [f"{x}#{k}\t{c}\n" for n, x in enumerate(names) for k, c in enumerate(captions(n))]
    (text / "Flickr8k.token.txt").write_text("".join(lines))
    with pytest.raises(InputError, match=r"Flickr8k.token.txt, but no captions that split its photos"):
        read_flickr(root, None, 0)
    for split, name in (("train", "trainImages"), ("val", "devImages"), ("test", "testImages")):
        own = [x for x, s in zip(names, SPLIT, strict=True) if s == split]
        (text / f"Flickr_8k.{name}.txt").write_text("".join(f"{x}\r\n" for x in own), encoding="utf-16")
    (text / "Flickr8k.lemma.token.txt").write_text("".join(line.upper() for line in lines))
    (text / "latest.txt").write_text("no list of photos\n")
    (text / "contest.txt").write_bytes(b"\0\xff\xfe\0" * 9)
    assert counts(read_flickr(root, None, 0)) == (8, 4, 8)
    assert read_flickr(root, None, 0).train[0].captions[0] == captions(0)[0], "not the lemmatised one"
    (text / "Flickr8k.token.txt").write_text("".join(lines[2:-2]))  # nothing of the first photo and the last
    (text / "Flickr_8k.trainImages.txt").write_text("".join(f"{x}\n" for x in [*names[:9], *names[9:10], "gone.jpg"]))
    bare = read_flickr(root, None, 0)
    assert counts(bare) == (7, 3, 6), "a photo that is ranked is not trained on"
    assert [(one.where, one.reason) for one in bare.skipped] == [
        ("Flickr_8k.trainImages.txt", "missing-photo"),
        *((f"Flicker8k_Dataset/{name}", "no-caption") for name in (names[0], names[-1])),
    ]


def test_coco_in_both_layouts(tmp_path, monkeypatch):
    root = tmp_path / "coco"
    for part, count in (("train", 6), ("val", 5)):
        names = photos(root / f"{part}2014", count)
        for x in names:
            (root / f"{part}2014" / x).rename(root / f"{part}2014" / f"COCO_{part}2014_{x}")
        images = [{"id": n, "file_name": f"COCO_{part}2014_{x}"} for n, x in enumerate(names)]
        if part == "val":
            images.insert(0, {"id": 99, "file_name": "gone.jpg"})
        notes = [
            {"id": 9 * n + k, "image_id": n, "caption": c} for n in range(count) for k, c in enumerate(captions(n))
        ]
        (root / "annotations").mkdir(exist_ok=True)
        text = json.dumps({"images": images, "annotations": notes})
        (root / "annotations" / f"captions_{part}2014.json").write_text(text)
    monkeypatch.setattr(suites, "COCO_TEST", 3)
    corpus = read_coco(root, None, 0)
    assert counts(corpus) == (6, 3, 6)
    assert [(one.where, one.reason) for one in corpus.skipped] == [("captions_val2014.json:images[0]", "missing-photo")]
    assert all(item.photo.id.startswith("train2014/") for item in corpus.train)
    assert corpus.notes == (f"3 {suites.COCO_NOTE}",)
    names = [f"COCO_train2014_{n:04d}.jpg" for n in range(6)]
    (root / "dataset_coco.json").write_text(karpathy(names, ["train"] * 4 + ["test"] * 2, filepath="train2014"))
    corpus = read_coco(root, None, 0)
    assert (counts(corpus), corpus.notes) == ((4, 2, 4), ())


def test_pubfig_holds_out_a_photo_of_everyone_and_renames_them(faces):
    corpus = read_pubfig(faces, None, 0)
    assert counts(corpus) == (8, 4, 4)
    assert not any("Person" in text for item in (*corpus.train, *corpus.test) for text in item.captions)
    assert len(read_pubfig(faces, 1, 0).train) == 4


def test_pubfig_trains_on_no_near_duplicate_of_a_photo_that_was_drawn_to_be_ranked(faces):
    for photo in list(faces.rglob("*.png")):
        Image.open(photo).save(photo.with_suffix(".jpg"), quality=80)
    corpus = read_pubfig(faces, None, 0)
    other = {".png": ".jpg", ".jpg": ".png"}
    near = [one.where for one in corpus.skipped if one.reason == "near-duplicate"]
    assert sorted(near) == sorted(
        str(PurePosixPath(item.photo.id).with_suffix(other[item.photo.path.suffix])) for item in corpus.test
    )
    assert counts(corpus) == (4 * (6 - 2), 4, 4)
    assert corpus.notes == ("not trained on: 4 near-duplicates of photos to rank",)


def test_faces_are_no_captions_of_flickr(faces):
    rows = [{"image": str(path.relative_to(faces)), "person": path.parent.name} for path in faces.rglob("*.png")]
    for n, row in enumerate(sorted(rows, key=str)):
        row["split"] = "test" if n % 3 == 0 else "train"
    (faces / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"holds manifest\.jsonl, but no captions that split its photos"):
        read_flickr(faces, None, 0)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_data_set_that_is_not_there_or_laid_out_otherwise_says_what_to_do(name, tmp_path, monkeypatch):
    photos(tmp_path / "data", 2)
    with pytest.raises(InputError) as caught:
        SUITES[name].read(tmp_path / "data", None, 0)
    assert str(tmp_path / "data") in caught.value.message
    assert caught.value.hint
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    monkeypatch.setenv("UNLEARNABLE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError) as caught:
        locate(BenchmarkSettings(dataset=name), SUITES[name])
    assert SUITES[name].published in (caught.value.hint or "")
    (tmp_path / "cache" / "data" / name).mkdir(parents=True)
    assert locate(BenchmarkSettings(dataset=name), SUITES[name]) == tmp_path / "cache" / "data" / name


@pytest.mark.parametrize("name", sorted(SUITES))
def test_the_papers_figures_are_of_methods_and_architectures_that_exist(name):
    assert len(SUITES[name].paper) >= 11
    for (method, architecture, fraction), row in SUITES[name].paper.items():
        assert architecture in ("", "RN50", "RN101", "ViT-B-32")
        assert method in ("random ranking", "pretrained", *BASELINES, TRANSFER) or mem_name(method)
        assert 0 <= fraction <= 1
        assert row.table in range(1, 6)
        for way in (row.image_to_text, row.text_to_image):
            assert way.medr >= 1
            assert way.hit10 is None or 0 < way.hit10 <= 100


def test_a_victim_that_needs_a_rate_of_its_own_has_it():
    scale = SCALES["faces", "small"]
    assert (scale.recipe_of("vit-small", 2).lr, scale.recipe_of("small", 2).lr) == (SMALL_VIT_RATE, scale.recipe.lr)
    assert scale.recipe_of("small", 2).seed == 2
