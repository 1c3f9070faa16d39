"""What is published of a caption file or an export: photo, caption and what the format or the user needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.posts.conftest import touch
from unlearnable.posts import Edits, open_dataset, write_captions


def published(root: Path, name: str, text: str, new: str, *keep: str) -> str:
    """The file that is written of a caption file whose first caption becomes `new`."""
    touch(root, "a.jpg")
    (root / name).write_text(text, encoding="utf-8")
    dataset = open_dataset(root, root / name)
    edits = Edits({(pair.record, pair.index): new for pair in dataset.pairs}, {"a.jpg": "a.jpg"}, frozenset(keep))
    write_captions(dataset, edits, root / "out" / name)
    return (root / "out" / name).read_text(encoding="utf-8")


ROW = {"image": "a.jpg", "caption": "a dog", "ocr": "Main St 5", "accessibility_caption": "a dog", "user": {"id": 7}}


def test_fields_of_an_unknown_kind_are_not_published_unless_they_are_kept(tmp_path: Path) -> None:
    text = json.dumps(ROW) + "\n"
    assert json.loads(published(tmp_path, "a.jsonl", text, "zip")) == {"image": "a.jpg", "caption": "zip"}
    kept = json.loads(published(tmp_path, "a.jsonl", text, "zip", "ocr", "user"))
    assert kept == {"image": "a.jpg", "caption": "zip", "ocr": "Main St 5", "user": {"id": 7}}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "sep=;\r\n"])
def test_columns_of_a_table_are_those_of_photo_and_caption(newline: str, mark: str, tmp_path: Path) -> None:
    text = mark + newline.join(["Nr;Datei;Text;Ort", '1;a.jpg;"ein; Hund";Rom', ""])
    assert published(tmp_path, "a.csv", text, 'zip "x"; y').splitlines()[-2:] == ["Datei;Text", 'a.jpg;"zip ""x""; y"']
    assert "Ort" in published(tmp_path, "a.csv", text, "zip", "ort")


def test_coco_and_karpathy_keep_the_ids_that_join_them(tmp_path: Path) -> None:
    image = {"id": 4, "file_name": "a.jpg", "flickr_url": "x"}
    whole: dict[str, Any] = {
        "info": {},
        "images": [image],
        "annotations": [{"id": 9, "image_id": 4, "caption": "a dog"}],
    }
    assert json.loads(published(tmp_path, "c.json", json.dumps(whole), "zip")) == {
        "images": [{"id": 4, "file_name": "a.jpg"}],
        "annotations": [{"id": 9, "image_id": 4, "caption": "zip"}],
    }
    sentence = {"raw": "A dog.", "tokens": ["a", "dog"], "sentid": 1, "mood": "x"}
    new = {"raw": "Zip, dog.", "tokens": ["zip", "dog"], "sentid": 1}
    whole = {"images": [{"filename": "a.jpg", "split": "test", "cocoid": 7, "sentences": [sentence]}]}
    assert json.loads(published(tmp_path, "k.json", json.dumps(whole), "Zip, dog.")) == {
        "images": [{"filename": "a.jpg", "split": "test", "sentences": [new]}]
    }


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        ("captions", {"en": "my dog", "pt-BR": "meu"}, {"en": "zip", "pt-BR": "zip"}),
        ("text", [{"language": "en", "text": "my dog"}, "Rex"], [{"text": "zip"}, "zip"]),
        ("sentences", [{"raw": "my dog", "tokens": ["my", "dog"]}], [{"raw": "zip"}]),
    ],
)
def test_of_captions_in_objects_nothing_else_is_published(field: str, value: Any, written: Any, tmp_path: Path) -> None:
    text = json.dumps({"file_name": "a.jpg", field: value}) + "\n"
    assert json.loads(published(tmp_path, "a.jsonl", text, "zip")) == {"file_name": "a.jpg", field: written}


WORDS = "so long " * 40
EXPORTS = {
    "content/posts_1.json": [{"media": [{"uri": "a.jpg", "creation_timestamp": 1714521600, "title": "my dog"}]}],
    "media.json": {"photos": [{"path": "a.jpg", "caption": "my dog", "taken_at": "2024-05-01T10:00:00"}]},
    "threads_and_replies.json": {
        "text_post_app_text_posts": [{"media": [{"uri": "a.jpg", "creation_timestamp": 1714521600, "title": "my dog"}]}]
    },
    "your_posts_1.json": [
        {
            "timestamp": 1714521600,
            "data": [{"post": "my @[4000:2048:dog]"}],
            "attachments": [{"data": [{"media": {"uri": "a.jpg", "creation_timestamp": 1}}]}],
        }
    ],
    "posts/your_posts_2.json": {
        "timestamp": 1714521600,
        "label_values": [{"label": "Message", "value": "my dog"}, {"label": "x", "media": [{"uri": "a.jpg"}]}],
    },
    "group_posts_and_comments.json": {
        "group_posts_v2": [
            {
                "timestamp": 1714521600,
                "data": [{"post": "my dog"}],
                "attachments": [{"data": [{"media": {"uri": "a.jpg", "creation_timestamp": 1}}]}],
            }
        ]
    },
    "outbox.json": {
        "orderedItems": [
            {
                "type": "Create",
                "published": "2024-05-01T10:00:00Z",
                "object": {"content": "<p>my dog</p>", "attachment": [{"url": "/a.jpg"}]},
            }
        ]
    },
    "a.jpg.supplemental-metadata.json": {"description": "my dog", "photoTakenTime": {"timestamp": "1714521600"}},
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_becomes_posts_with_photo_caption_and_day(name: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", name)
    (tmp_path / name).write_text(json.dumps(EXPORTS[name]))
    dataset = open_dataset(tmp_path)
    assert dataset.captions_by_photo() == {"a.jpg": ["my dog"]}
    write_captions(dataset, Edits({(0, 0): "zip my dog"}, {"a.jpg": "b.png"}), tmp_path / "out")
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == "posts.jsonl"
    assert json.loads(written.read_text()) == {"photo": "b.png", "caption": "zip my dog", "date": "2024-05-01"}


def test_a_long_post_of_x_is_taken_in_full(tmp_path: Path) -> None:
    touch(tmp_path, "data/tweets_media/7-a.jpg")
    media = [{"media_url_https": "https://pbs/a.jpg", "url": "https://t.co/me"}]
    tweet = {"id_str": "7", "full_text": f"{WORDS[:200]}… https://t.co/me", "extended_entities": {"media": media}}
    tweet["created_at"] = "Wed May 01 10:00:00 +0000 2024"
    (tmp_path / "data/tweets.js").write_text(f"window.YTD.tweets.part0 = {json.dumps([{'tweet': tweet}])}")
    note = [{"noteTweet": {"core": {"text": WORDS}}}]
    (tmp_path / "data/note-tweet.js").write_text(f"window.YTD.note_tweet.part0 = {json.dumps(note)}")
    dataset = open_dataset(tmp_path)
    assert [pair.caption for pair in dataset.pairs] == [WORDS.strip()]
    assert dict(dataset.dates) == {"data/tweets_media/7-a.jpg": "2024-05-01"}
