"""A caption file of the user's own in an export: what the export keeps to itself stays unpublished."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.posts.conftest import captions, touch
from tests.posts.readers.exports import lay_out
from unlearnable.errors import InputError
from unlearnable.posts import Dataset, Edits, open_dataset, write_captions


def row(photo: str) -> str:
    return json.dumps({"file_name": photo, "text": f"words of mine for {photo}"})


def photos(dataset: Dataset) -> list[str]:
    return [photo.id for photo in dataset.photos]


@pytest.mark.parametrize("name", ["captions.jsonl", "metadata.jsonl"])
def test_photos_of_messages_are_not_published_with_captions_of_ones_own(name: str, tmp_path: Path) -> None:
    posts = [{"uri": f"media/{n}.jpg", "creation_timestamp": 1, "title": "a post"} for n in range(3)]
    lay_out(tmp_path, {"media/posts_1.json": json.dumps([{"media": posts}])})
    touch(tmp_path, "media/0.jpg", "media/1.jpg", "media/2.jpg", "messages/secret.jpg", "own.jpg")
    own = captions(tmp_path / name, row("media/0.jpg"), row("own.jpg"))
    dataset = open_dataset(tmp_path, own)
    assert photos(dataset) == ["media/0.jpg", "media/1.jpg", "media/2.jpg", "own.jpg"]
    assert dataset.uncaptioned == {"media/1.jpg", "media/2.jpg"}
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("messages/secret.jpg", "in-no-post")]
    assert dataset.skipped[0].detail == "it belongs to no post that was read"


def test_an_export_that_cannot_be_read_publishes_nothing_but_what_is_named(tmp_path: Path) -> None:
    post = {"uri": "gone.jpg", "creation_timestamp": 1}
    lay_out(tmp_path, {"posts_1.json": json.dumps([{"media": [post]}])})
    touch(tmp_path, "a.jpg", "secret.jpg")
    assert photos(open_dataset(tmp_path, captions(tmp_path / "my.jsonl", row("a.jpg")))) == ["a.jpg"]


def test_the_trash_is_not_published_with_captions_of_ones_own(tmp_path: Path) -> None:
    for name, more in {"a.jpg": {}, "b.jpg": {}, "c.jpg": {"trashed": True}, "d.jpg": {"inLockedFolder": True}}.items():
        text = {"title": name, "description": "", "photoTakenTime": {"timestamp": "1"}, **more}
        lay_out(tmp_path, {f"{name}.json": json.dumps(text)}, name)
    own = captions(tmp_path / "captions.jsonl", row("a.jpg"), row("c.jpg"))
    dataset = open_dataset(tmp_path, own)
    assert photos(dataset) == ["a.jpg", "b.jpg"]
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("c.jpg", "withheld"), ("d.jpg", "withheld")]
    write_captions(dataset, Edits(paths={"a.jpg": "a.jpg", "b.jpg": "b.jpg"}), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == row("a.jpg") + "\n"


HTML = ("your_instagram_activity/messages/inbox/bob/photos/1.jpg", "x/data/direct_messages_media/1-a.jpg")


APART = ("messages/archived_threads/bob/1.jpg", "media/recently_deleted/1.jpg", "old/direct/201904/1.jpg")


@pytest.mark.parametrize("private", [*HTML, *APART])
def test_an_export_in_html_is_refused_as_its_messages_cannot_be_told_from_posts(private: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"posts_1.html": "<html>"}, "media/posts/1.jpg", private)
    with pytest.raises(InputError, match=f"posts cannot be read, and {private} belongs to none") as caught:
        open_dataset(tmp_path)
    assert "JSON" in (caught.value.hint or "")
    assert photos(open_dataset(tmp_path / "media" / "posts")) == ["1.jpg"]
    assert photos(open_dataset((tmp_path / private).parent)) == [Path(private).name]
    dataset = open_dataset(tmp_path, captions(tmp_path / "own.jsonl", row("media/posts/1.jpg")))
    assert photos(dataset) == ["media/posts/1.jpg"]
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [(private, "in-no-post")]


def test_an_older_export_that_holds_messages_alone_is_refused(tmp_path: Path) -> None:
    sent = {"path": "direct/201904/1.jpg", "taken_at": "2019-04-01T00:00:00+00:00"}
    lay_out(tmp_path, {"media.json": json.dumps({"photos": [], "direct": [sent]})}, sent["path"])
    with pytest.raises(InputError, match=r"posts cannot be read, and direct/201904/1\.jpg belongs to none"):
        open_dataset(tmp_path)


def test_photos_of_chats_beside_google_photos_are_not_published(tmp_path: Path) -> None:
    text = {"title": "a.jpg", "description": "a lake", "photoTakenTime": {"timestamp": "1"}}
    chats = [f"Takeout/Google Chat/Groups/DM 1/File-{n}.jpg" for n in range(2)]
    lay_out(tmp_path, {"Takeout/Google Photos/a.jpg.json": json.dumps(text)}, "Takeout/Google Photos/a.jpg", *chats)
    own = captions(tmp_path / "own.jsonl", row("Takeout/Google Photos/a.jpg"), row(chats[1]))
    dataset, named = open_dataset(tmp_path), open_dataset(tmp_path, own)
    assert photos(dataset) == ["Takeout/Google Photos/a.jpg"]
    assert photos(named) == [chats[1], "Takeout/Google Photos/a.jpg"]  # what is named is meant
    for each in (dataset, named):
        assert [(skip.where, skip.reason) for skip in each.skipped] == [(chats[0], "in-no-post")]
