"""Every suite reads the layouts its data set is published in, and says what it looked for."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest
from PIL import Image

from tests.benchmark.conftest import SPLIT, captions, photos
from unlearnable.benchmark import SUITES
from unlearnable.benchmark.run import DATA, locate
from unlearnable.benchmark.suites import TRANSFER, read_captions, read_faces
from unlearnable.errors import InputError
from unlearnable.settings import BASELINES, BenchmarkSettings, mem_name


def counts(corpus):
    return len(corpus.train), len(corpus.test), sum(len(item.captions) for item in corpus.test)


def karpathy(names, splits, **more):
    rows = [
        {"filename": name, "split": split, "sentences": [{"raw": c} for c in captions(n)], **more}
        for n, (name, split) in enumerate(zip(names, splits, strict=True))
    ]
    return json.dumps({"images": rows})


def test_flickr_as_a_jsonl_with_splits(flickr):
    corpus = SUITES["flickr8k"].read(flickr, None)
    assert counts(corpus) == (8, 4, 8)
    assert corpus.test[0].captions == tuple(captions(9))
    assert len(SUITES["flickr8k"].read(flickr, 3).train) == 3


def test_of_karpathys_files_that_of_the_photos_there_is_taken(tmp_path):
    names = photos(tmp_path / "data" / "Images")
    (tmp_path / "data" / "dataset_coco.json").write_text(karpathy([f"COCO_{x}" for x in names], SPLIT))
    (tmp_path / "data" / "dataset_flickr8k.json").write_text(karpathy([*names, names[-1]], [*SPLIT, "train"]))
    corpus = read_captions(tmp_path / "data", None)
    assert counts(corpus) == (8, 4, 10)


def test_pubfig_holds_out_a_photo_of_everyone_and_renames_them(faces):
    corpus = read_faces(faces, None)
    assert counts(corpus) == (8, 4, 4)
    assert not any("Person" in text for item in (*corpus.train, *corpus.test) for text in item.captions)
    assert len(read_faces(faces, 1).train) == 4


def test_pubfig_trains_on_no_near_duplicate_of_a_photo_that_was_drawn_to_be_ranked(faces):
    for photo in list(faces.rglob("*.png")):
        Image.open(photo).save(photo.with_suffix(".jpg"), quality=80)
    corpus = read_faces(faces, None)
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
    with pytest.raises(InputError, match=r"no caption file that splits its photos"):
        read_captions(faces, None)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_data_set_that_is_not_there_or_laid_out_otherwise_says_what_to_do(name, tmp_path, monkeypatch):
    photos(tmp_path / "data", 2)
    with pytest.raises(InputError) as caught:
        SUITES[name].read(tmp_path / "data", None)
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
