"""Captions that an export repeats in other fields, which are published as they are: the fields are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.datasets.formats.exports import lay_out
from unlearnable.datasets import open_dataset

WORDS = "Mia & the café by the lake"
MOJIBAKE = WORDS.encode().decode("latin-1")
PHOTO = {"uri": "a.jpg", "creation_timestamp": 17}


def facebook(text: str, description: str = MOJIBAKE) -> str:
    attached = {"data": [{"media": {**PHOTO, "description": description}}, {"text": text}]}
    clip = {"data": [{"media": {"uri": "a.mp4", "creation_timestamp": 1}}], "caption": text}
    posts = [{"data": [{"post": MOJIBAKE}], "attachments": [attached]}, {"data": [], "attachments": [clip]}]
    return json.dumps(posts)


def x(text: str) -> str:
    media = {
        "media_url_https": "https://x.y/media/a.jpg",
        "type": "photo",
        "url": "https://t.co/1",
        "ext_alt_text": text,
    }
    full = f"{WORDS.replace('&', '&amp;')} https://t.co/1"
    post = {"id_str": "1", "full_text": full, "extended_entities": {"media": [media]}}
    return f"window.YTD.tweets.part0 = {json.dumps([{'tweet': post}])}"


def mastodon(text: str) -> str:
    attached = [{"url": "/media_attachments/a.jpg", "name": "a cat", "blurhash": "x"}]
    note = {"content": f"<p>{WORDS.replace('&', '&amp;')}</p>", "attachment": attached, "source": {"text": text}}
    return json.dumps({"orderedItems": [{"type": "Create", "object": note}]})


def one_beside(name: str, own: dict[str, Any], text: str) -> str:
    return json.dumps([{**own, "Comment": text}] if name == "SourceFile" else {**own, "notes": [{"text": text}]})


POSTS = "posts/your_posts_1.json"


@pytest.mark.parametrize(
    ("file", "photo", "made", "field"),
    [
        (POSTS, "a.jpg", facebook(MOJIBAKE), "text"),
        (POSTS, "a.jpg", facebook(f"Ada: {MOJIBAKE}!"), "text"),
        (POSTS, "a.jpg", facebook("some other words"), ""),
        (POSTS, "a.jpg", facebook("Mia & the café"), ""),
        (POSTS, "a.jpg", facebook("a cat", "a cat"), ""),
        (POSTS, "a.jpg", facebook("京都の紅葉です", "京都の紅葉"), "text"),
        ("posts_1.json", "a.jpg", json.dumps([{**PHOTO, "title": MOJIBAKE, "accessibility_caption": MOJIBAKE}]),
         "accessibility_caption"),
        ("data/tweets.js", "data/tweets_media/1-a.jpg", x(WORDS), "ext_alt_text"),
        ("data/tweets.js", "data/tweets_media/1-a.jpg", x("another view"), ""),
        ("outbox.json", "media_attachments/a.jpg", mastodon(WORDS), "text"),
        ("outbox.json", "media_attachments/a.jpg", mastodon("a cat"), ""),
        ("a.jpg.json", "a.jpg", one_beside("SourceFile", {"SourceFile": "a.jpg", "Title": WORDS}, WORDS), "Comment"),
        ("a.jpg.json", "a.jpg", one_beside("", {"description": WORDS, "photoTakenTime": {}}, WORDS), "text"),
        ("a.jpg.json", "a.jpg", one_beside("", {"description": WORDS, "people": [{"name": WORDS}],
                                                "photoTakenTime": {}}, ""), ""),
    ],
)  # fmt: skip
def test_other_fields_that_hold_a_caption_are_named(
    file: str, photo: str, made: str, field: str, tmp_path: Path
) -> None:
    lay_out(tmp_path, {file: made}, photo)
    dataset = open_dataset(tmp_path)
    assert dataset.uncaptioned == set()
    said = "which are published as they are, with the clean words: take them out"
    assert dataset.notes == ((f"{file} repeats captions in {field}, {said}",) if field else ())


def test_several_files_that_hold_captions_elsewhere_are_named_in_one_line(tmp_path: Path) -> None:
    made = {"posts_1.json": facebook(MOJIBAKE), "posts_2.json": facebook("x")}
    texts = {f"posts/your_{name}": text for name, text in made.items()}
    album = {"photos": [{**PHOTO, "uri": "b.jpg"}], "description": MOJIBAKE}
    lay_out(tmp_path, {**texts, "posts/album/0.json": json.dumps(album)}, "a.jpg", "b.jpg")
    (note,) = open_dataset(tmp_path).notes
    assert note.startswith("posts/album/0.json and 1 more file repeat captions in description, text, which are ")
