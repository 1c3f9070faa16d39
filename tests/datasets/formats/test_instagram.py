"""Instagram's export: carousels, several files, mojibake, and what is listed as skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.formats.exports import Look, goes_round, lay_out, text
from unlearnable.datasets import Edits, open_dataset, write_captions
from unlearnable.datasets.text.mojibake import redone, speller, undone
from unlearnable.errors import InputError

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


@pytest.mark.parametrize("folder", PLACES)
def test_all_but_captions_and_paths_stays(folder: str, tmp_path: Path) -> None:
    videos = [f"media/posts/{n}.mp4" for n in range(12, 21, 3)]
    private = (f"{folder}/message_1.json", "messages/inbox/a.jpg", "messages/inbox/b.jpg")
    dataset = goes_round(lambda look: made(look, folder), tmp_path, *PHOTOS, *videos, *private)
    assert (dataset.format, dataset.source) == ("instagram", None)
    captions = dataset.captions_by_photo()
    assert captions[PHOTOS[0]] == [text(0)]
    assert captions[PHOTOS[13]] == captions[PHOTOS[14]] == [text(12)]
    assert dataset.uncaptioned == {PHOTOS[23]}
    assert dataset.skipped[-1].detail.startswith("this and 1 more photo belong")
    assert [(s.where.removeprefix(f"{folder}/"), s.reason) for s in dataset.skipped] == [
        ("posts_2.json:[0].media[1]", "not-a-photo"),
        ("posts_2.json:[1].media[1]", "not-a-photo"),
        ("posts_2.json:[2].media[1]", "not-a-photo"),
        ("reels.json:ig_reels_media[2]", "no-photo"),
        ("reels.json:drafts", "unknown-part"),
        ("reels.json:ig_reels_media[0]", "missing-photo"),
        ("reels.json:ig_reels_media[1]", "outside-folder"),
        ("stories.json:ig_stories[1]", "no-caption"),
        ("messages/inbox/a.jpg", "in-no-post"),
    ]


THREADS = [f"media/posts/202508/{n}.{'heic' if n == 3 else 'jpg'}" for n in range(20)]


def threads(look: Look) -> dict[str, str]:
    """Posts of Threads with one photo and one with two, among those of words alone, whose `uri` is empty."""
    posts: list[dict[str, Any]] = [{"media": [medium(look, photo, text(n))]} for n, photo in enumerate(THREADS[:18])]
    posts.append({"title": redone(look.caption(text(18))), "media": [medium(look, photo) for photo in THREADS[18:]]})
    if look.complete:
        posts[1:1] = [{"media": [{"uri": "", "creation_timestamp": 1, "title": "words alone", "text_app_post": {}}]}]
    name = "your_instagram_activity/threads/threads_and_replies.json"
    return {name: json.dumps({"text_post_app_text_posts": posts})}


def test_posts_of_threads_are_posts(tmp_path: Path) -> None:
    others = ("your_instagram_activity/threads/liked_threads.json", "media/posts/202508/other.jpg")
    dataset = goes_round(threads, tmp_path, *THREADS, *others)
    captions = dataset.captions_by_photo()
    assert (dataset.format, captions[THREADS[0]]) == ("instagram", [text(0)])
    assert captions[THREADS[18]] == captions[THREADS[19]] == [text(18)]
    assert [(skip.where.rpartition(":")[2], skip.reason) for skip in dataset.skipped] == [
        ("text_post_app_text_posts[1]", "no-photo"),
        ("media/posts/202508/other.jpg", "in-no-post"),
    ]


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


def test_an_older_export_has_one_file(tmp_path: Path) -> None:
    dataset = goes_round(older, tmp_path, *OLDER, "videos/a.mp4", "direct/secret.jpg")
    assert dataset.format == "instagram"
    captions = dataset.captions_by_photo()
    assert (captions[OLDER[0]], captions[OLDER[18]]) == ([text(0)], ["größe"])
    assert dataset.uncaptioned == {OLDER[19]}
    assert [(one.where, one.reason) for one in dataset.skipped] == [
        ("media.json:photos[1]", "no-photo"),
        ("media.json:direct[0]", "message"),
        ("media.json:drafts", "unknown-part"),
        ("media.json:saved", "unknown-part"),
        ("media.json:photos[0]", "missing-photo"),
        ("media.json:profile[0]", "no-caption"),
        ("media.json:videos[0]", "not-a-photo"),
        ("direct/secret.jpg", "in-no-post"),
    ]


def test_a_place_of_an_older_export_is_emptied(tmp_path: Path) -> None:
    row = {"caption": "a dog", "taken_at": "2018", "location": "Vancouver", "path": "a.jpg"}
    lay_out(tmp_path / "in", {"media.json": json.dumps({"photos": [row]})}, "a.jpg")
    dataset = open_dataset(tmp_path / "in")
    write_captions(dataset, Edits({}, {"a.jpg": "a.jpg"}), tmp_path / "out")
    written = json.loads((tmp_path / "out" / "media.json").read_text())
    assert written == {"photos": [{**row, "location": None}]}
    assert [one.name for one in dataset.changed_fields] == ["location"]


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


def test_a_post_that_is_the_only_one_may_be_no_list(tmp_path: Path) -> None:
    def one(look: Look) -> dict[str, str]:
        media = [medium(look, photo) for photo in PHOTOS]
        if look.complete:
            media.append(medium(look, "media/posts/1.mp4"))
        post = {"media": media, "title": redone(look.caption(text(0))), "creation_timestamp": 1701}
        return {f"{PLACES[1]}/posts_1.json": json.dumps(post)}

    dataset = goes_round(one, tmp_path, *PHOTOS, "media/posts/1.mp4", "messages/inbox/a.jpg")
    assert dataset.captions_by_photo()[PHOTOS[-1]] == [text(0)]
    assert [(skip.where.rpartition("/")[2], skip.reason) for skip in dataset.skipped] == [
        ("posts_1.json:[0].media[24]", "not-a-photo"),
        ("a.jpg", "in-no-post"),
    ]


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


@given(old=st.text() | st.text("Ã©¼a", max_size=4), new=st.text() | st.text("Ã©¼a", max_size=4), as_it_is=st.booleans())
def test_a_string_is_spelt_so_that_it_is_read_again(old: str, new: str, as_it_is: bool) -> None:
    stored = old if as_it_is else redone(old)
    raw = json.dumps(stored)
    spelt = speller("ascii")(raw, undone(stored), new)
    assert undone(json.loads(spelt)) == new
    assert spelt.isascii()


def test_plain_text_stays_plain() -> None:
    assert json.loads(speller("ascii")(json.dumps("größe"), "größe", "wörter größe")) == "wörter größe"
    assert undone("\ud800") == "\ud800" == redone("\ud800")
