"""What a run takes from a folder, and what it says of that before the work begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.errors import ConfigError
from unlearnable.progress import Silent
from unlearnable.workflows.protect.posts import captions_found, open_posts


class Said(Silent):
    """Keeps the remarks."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def opened(photos: Path, **settings):
    said = Said()
    return open_posts(resolve_as(ProtectSettings, {"photos": photos, **settings}), said), said.notes


def test_the_caption_file_in_the_folder_is_taken_and_named(posts):
    dataset, notes = opened(posts)
    assert dataset.source == posts / "posts.jsonl"
    assert notes == ["captions from posts.jsonl", "8 of 8 photos have a caption of yours"]


def test_photos_without_a_caption_are_counted_first(posts):
    (posts / "posts.jsonl").write_text('{"image": "p0.png", "caption": "a dog"}\n')
    dataset, notes = opened(posts)
    assert captions_found(dataset) == 1
    assert notes[-1] == "1 of 8 photos have a caption of yours; the others get one made from their file name"
    (posts / "posts.jsonl").unlink()
    _, notes = opened(posts)
    assert notes == ["0 of 8 photos have a caption of yours; the others get one made from their file name"]


def test_texts_beside_the_photos_are_captions(posts):
    (posts / "posts.jsonl").unlink()
    (posts / "p0.txt").write_text("a dog")
    _, notes = opened(posts)
    assert notes[0] == "captions from the .txt beside each photo"
    assert notes[1].startswith("1 of 8 photos")


def test_where_several_could_be_meant_none_is_taken(posts):
    (posts / "more.csv").write_text("image,caption\np0.png,a cat\n")
    with pytest.raises(ConfigError, match=r"several caption files: more\.csv, posts\.jsonl") as caught:
        opened(posts)
    assert "--captions" in caught.value.hint
    dataset, notes = opened(posts, captions=posts / "more.csv")
    assert dataset.source == posts / "more.csv"
    assert notes[0] == "captions from more.csv"


def test_a_caption_file_beside_texts_of_photos_has_to_be_chosen(posts):
    (posts / "p0.txt").write_text("a dog")
    with pytest.raises(ConfigError, match=r"posts\.jsonl and in \.txt files"):
        opened(posts)
    assert opened(posts, captions=posts / "posts.jsonl")[0].format == "jsonl"
    assert opened(posts, captions=posts)[0].format == "sidecar"


def test_metadata_that_repeats_the_captions_is_no_other_choice(posts):
    rows = (posts / "posts.jsonl").read_text().replace('"image"', '"file_name"')
    (posts / "metadata.jsonl").write_text(rows)
    assert opened(posts)[0].source == posts / "posts.jsonl"
    (posts / "metadata.jsonl").write_text(rows.replace("dog", "cat"))
    with pytest.raises(ConfigError, match="several caption files"):
        opened(posts)
