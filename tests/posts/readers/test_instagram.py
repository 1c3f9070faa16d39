"""Instagram's export: carousels, several files, mojibake, and what is listed as skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.posts.conftest import redone
from tests.posts.readers.exports import Look, lay_out, text
from unlearnable.errors import InputError
from unlearnable.posts import open_dataset
from unlearnable.posts.text import undone

PLACES = ("content", "your_instagram_activity/content", "your_instagram_activity/media")
PHOTOS = [f"media/posts/2024{n:02}/{n}_n.{'heic' if n % 7 == 3 else 'jpg'}" for n in range(24)]


def medium(look: Look, photo: str, title: str = "") -> dict[str, Any]:
    exif = {"photo_metadata": {"exif_data": [{"iso": 1e2, "lens": "\u00c3\u00a9"}]}}
    title = redone(look.caption(title)) if title else ""
    return {"uri": look.photo(photo), "creation_timestamp": 1700, "media_metadata": exif, "title": title, "n": 1.50}


def made(look: Look, folder: str) -> dict[str, str]:
    """Singles in one file, carousels in the next, then a story and posts that cannot be used."""
    singles = [{"media": [medium(look, PHOTOS[n], text(n))], "_": "\u00c3\u00bc"} for n in range(12)]
    carousels = []
    for n in range(12, 21, 3):
        media = [medium(look, PHOTOS[m]) for m in range(n, n + 3)]
        if look.complete:
            media[1:1] = [medium(look, f"media/posts/{n}.mp4")]
        title = redone(look.caption(text(n)))
        carousels.append({"media": media, "title": title, "creation_timestamp": 1701})
    unusable = [{"media": [medium(look, "media/gone.jpg", "x")]}, {"media": [medium(look, "../../../a.jpg", "x")]}, {}]
    reels: dict[str, Any] = {"drafts": {"title": "a secret"}} if look.complete else {}
    reels |= {"ig_reels_media": [*(unusable if look.complete else []), {"media": [medium(look, PHOTOS[21], text(21))]}]}
    stories = {"ig_stories": [medium(look, PHOTOS[22], text(22)), medium(look, PHOTOS[23])]}
    files = {"posts_1.json": singles, "posts_2.json": carousels, "reels.json": reels, "stories.json": stories}
    return {f"{folder}/{name}": json.dumps(value, indent=2) for name, value in files.items()}


THREADS = [f"media/posts/202508/{n}.{'heic' if n == 3 else 'jpg'}" for n in range(20)]


def threads(look: Look) -> dict[str, str]:
    """Posts of Threads with one photo and one with two, among those of words alone, whose `uri` is empty."""
    posts: list[dict[str, Any]] = [{"media": [medium(look, photo, text(n))]} for n, photo in enumerate(THREADS[:18])]
    posts.append({"title": redone(look.caption(text(18))), "media": [medium(look, photo) for photo in THREADS[18:]]})
    if look.complete:
        posts[1:1] = [{"media": [{"uri": "", "creation_timestamp": 1, "title": "words alone", "text_app_post": {}}]}]
    name = "your_instagram_activity/threads/threads_and_replies.json"
    return {name: json.dumps({"text_post_app_text_posts": posts})}


OLDER = [f"photos/2018{n:02}/{n}.{'heic' if n == 3 else 'jpg'}" for n in range(18)] + ["stories/s.jpg", "profile/a.jpg"]


def older(look: Look) -> dict[str, str]:
    """The one file of an older export: posts, a story, a portrait, and what cannot be used or is not posted."""

    def one(photo: str, caption: str = "", **more: Any) -> dict[str, Any]:
        return {"caption": caption and look.caption(caption), "taken_at": "2018-12-31T08:05:13", "path": photo, **more}

    photos = [one(look.photo(photo), text(n), n=1.50) for n, photo in enumerate(OLDER[:18])]
    whole: dict[str, Any] = {
        "photos": [*([one("photos/gone.jpg", "x"), {"taken_at": "2018"}] if look.complete else []), *photos],
        "stories": [one(look.photo(OLDER[18]), "größe")],
        "profile": [one(look.photo(OLDER[19]), is_active_profile=True)],
    }
    if look.complete:
        whole = {
            "drafts": {"next": [one("photos/gone.jpg", "a secret")]},
            **whole,
            "videos": [one("videos/a.mp4", "a film")],
            "direct": [{"taken_at": "2018", "path": "direct/secret.jpg"}],
            "saved": [one(OLDER[0], "a secret")],
            "liked": [],
        }
    return {"media.json": json.dumps(whole, ensure_ascii=False)}


def test_photos_of_a_carousel_have_one_caption_in_one_place(tmp_path: Path) -> None:
    lay_out(tmp_path, {"posts_1.json": json.dumps([carousel("one", "")])}, "a.jpg", "b.jpg")
    places = [(pair.photo, pair.record, pair.index) for pair in open_dataset(tmp_path).pairs]
    assert places == [("a.jpg", 0, 0), ("b.jpg", 0, 0)]


def test_a_photo_of_a_carousel_may_have_a_caption_of_its_own(tmp_path: Path) -> None:
    lay_out(tmp_path, {"posts_1.json": json.dumps([carousel("one", "two")])}, "a.jpg", "b.jpg")
    pairs = open_dataset(tmp_path, tmp_path / "posts_1.json").pairs
    assert [(pair.caption, pair.record, pair.index) for pair in pairs] == [("one", 0, 0), ("one", 0, 0), ("two", 1, 1)]


def carousel(title: str, own: str) -> dict[str, Any]:
    media = [{"uri": f"{name}.jpg", "creation_timestamp": 1, "title": own * (name == "b")} for name in "ab"]
    return {"media": media, "title": title}


def test_a_story_that_is_the_only_one_may_be_no_list(tmp_path: Path) -> None:
    story = {"uri": "a.jpg", "creation_timestamp": 1, "title": "a dog"}
    lay_out(tmp_path, {"content/stories.json": json.dumps(story)}, "a.jpg")
    assert open_dataset(tmp_path).captions_by_photo() == {"a.jpg": ["a dog"]}


def test_an_export_without_its_photos_says_what_to_do(tmp_path: Path) -> None:
    lay_out(tmp_path, {"posts_1.json": json.dumps([carousel("one", "")])}, "c.jpg")
    with pytest.raises(InputError, match=r"posts_1.json:\[0\].media\[0\] is skipped as missing-photo") as caught:
        open_dataset(tmp_path)
    assert "all parts" in (caught.value.hint or "")


def test_messages_are_no_posts(tmp_path: Path) -> None:
    photos = [{"uri": "a.jpg", "creation_timestamp": 1}]
    messages = {"participants": [], "messages": [{"sender_name": "x", "content": "hi", "photos": photos}]}
    lay_out(tmp_path, {"inbox/message_1.json": json.dumps(messages), "posts_1.json": "[{]"}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"


@given(st.text())
def test_mojibake_goes_there_and_back(plain: str) -> None:
    assert undone(redone(plain)) == plain
    if plain.isascii():
        assert redone(plain) == plain
