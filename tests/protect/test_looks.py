"""`protect --look`: one look a person, under the noise, and the same one for photos that are added later."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture
from tests.protect.conftest import manifest as lines_of
from unlearnable import protect
from unlearnable.imaging.looks import in_look, looks_of, tint_of

CAPTIONS = ["lunch with Ada Cox", "Ben Dow at the lake", "the lake again", "Ada Cox and a dog", "a swim with Ben Dow"]


@pytest.fixture
def named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(range(len(CAPTIONS)))
    return {"method": "random", "look": "film", "seed": 2}


def write(numbers, captions=CAPTIONS):
    Path("photos").mkdir(exist_ok=True)
    with Path("photos/posts.jsonl").open("a") as file:
        for number in numbers:
            Image.fromarray(picture(number)).save(f"photos/p{number}.png")
            file.write(json.dumps({"image": f"p{number}.png", "caption": captions[number]}) + "\n")


def test_posts_of_one_person_have_one_look_and_the_noise_stays_within_its_bound_of_it(named, tiny_path):
    protect("photos", surrogate=(str(tiny_path),), **named)
    lines = {line["source"]: line for line in lines_of(Path("photos-protected.private"))}
    people = [lines[f"p{number}.png"]["person"] for number in range(5)]
    assert people == [1, 2, 0, 1, 2]
    looks = looks_of([tint_of(picture(number)) for number in range(5)], people, "film", 2)
    for number, look in enumerate(looks):
        copy = np.asarray(Image.open(f"photos-protected/p{number}.png")).astype(int)
        line = lines[f"p{number}.png"]
        assert 0 < np.abs(copy - in_look(picture(number), look)).max() == line["noise_linf"] <= 8
        assert np.abs(copy - picture(number)).max() > 8
        assert line["look_delta_e"] > 1


def test_photos_that_are_added_have_the_look_of_their_person(named, tiny_path):
    protect("photos", surrogate=(str(tiny_path),), **named)
    captions = [*CAPTIONS, "Cleo Fry sings", "Ada Cox with a hat", "Cleo Fry and I"]
    write(range(5, 8), captions)
    protect("photos", surrogate=(str(tiny_path),), add=True, **named)
    lines = lines_of(Path("photos-protected.private"))
    assert len({tuple(line["middle_tint"]) for line in lines}) == 1
    people = {line["source"]: line["person"] for line in lines}
    assert people == {f"p{number}.png": person for number, person in enumerate([1, 2, 0, 1, 2, 3, 1, 3])}
