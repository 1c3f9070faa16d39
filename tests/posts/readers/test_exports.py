"""Unpacked exports of Instagram, Facebook, Mastodon and X: what is read as a post, and what stays unpublished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.posts.conftest import captions, lay_out, redone, touch, words
from unlearnable.errors import InputError
from unlearnable.posts import Dataset, Edits, open_dataset, write_captions
from unlearnable.posts.readers.exports import undone


def photos(dataset: Dataset) -> list[str]:
    return [photo.id for photo in dataset.photos]


def left_out(dataset: Dataset) -> list[tuple[str, str]]:
    return [(skip.where, skip.reason) for skip in dataset.skipped]


MEDIUM = {"uri": "a.jpg", "creation_timestamp": 1714521600, "title": "my dog"}
FACEBOOKS = {
    "timestamp": 1714521600,
    "data": [{"post": "my @[4000:2048:dog]"}],
    "attachments": [{"data": [{"media": {"uri": "a.jpg", "creation_timestamp": 1}}]}],
}
LABELLED = {
    "timestamp": 1714521600,
    "label_values": [{"label": "Message", "value": "my dog"}, {"label": "x", "media": [{"uri": "a.jpg"}]}],
}
NOTE = {"content": "<p>my dog</p>", "attachment": [{"url": "/a.jpg"}]}
EXPORTS: dict[str, object] = {
    "content/posts_1.json": [{"media": [MEDIUM]}],
    "content/stories.json": MEDIUM,  # the only one is no list
    "threads_and_replies.json": {"text_post_app_text_posts": [{"media": [MEDIUM]}]},
    "your_posts_1.json": [FACEBOOKS],
    "posts/your_posts_2.json": LABELLED,
    "group_posts_and_comments.json": {"group_posts_v2": [FACEBOOKS]},
    "album/0.json": {"photos": [{"uri": "a.jpg", "creation_timestamp": 1714521600, "description": "my dog"}]},
    "outbox.json": {"orderedItems": [{"type": "Create", "published": "2024-05-01T10:00:00Z", "object": NOTE}]},
    "a.jpg.supplemental-metadata.json": {"description": "my dog", "photoTakenTime": {"timestamp": "1714521600"}},
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_becomes_posts_with_photo_caption_and_day(name: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {name: EXPORTS[name]}, "a.jpg")
    dataset = open_dataset(tmp_path)
    assert dataset.captions_by_photo() == {"a.jpg": ["my dog"]}
    assert (dataset.exported, dataset.files) == (True, (tmp_path / name,))
    write_captions(dataset, Edits({(0, 0): "zip my dog"}, {"a.jpg": "b.png"}), tmp_path / "out")
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == "posts.jsonl"
    assert json.loads(written.read_text()) == {"photo": "b.png", "caption": "zip my dog", "date": "2024-05-01"}


MESSAGES = {"participants": [], "messages": [{"sender_name": "x", "photos": [MEDIUM]}]}


@pytest.mark.parametrize(
    "texts",
    [
        {"inbox/message_1.json": MESSAGES, "posts_1.json": "[{]"},
        {"inbox/1.json": MESSAGES, "your_posts_1.json": "[{]"},
        {"x/1.json": [{"label_values": [{"label": "uri", "value": "a.jpg"}]}]},
        {"outbox.json": {"orderedItems": ["https://a.b/1"]}},
        {"outbox.json": {"orderedItems": 3}, "outbox2.json": "{["},
        {"data/tweets.js": '[{"full_text": "x"}]'},
        {"data/tweets.js": "window.YTD.tweets.part0 = []"},
    ],
)
def test_messages_and_other_files_are_no_posts(texts: dict[str, object], tmp_path: Path) -> None:
    lay_out(tmp_path, texts, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"


class TestInstagram:
    @staticmethod
    def carousel(title: str, own: str = "") -> dict[str, Any]:
        media = [{"uri": f"{name}.jpg", "creation_timestamp": 1, "title": own * (name == "b")} for name in "ab"]
        return {"media": media, "title": title}

    def test_photos_of_a_carousel_share_a_caption_and_may_have_one_of_their_own(self, tmp_path: Path) -> None:
        lay_out(tmp_path, {"posts_1.json": [self.carousel(redone("größe"), "two")]}, "a.jpg", "b.jpg")
        for opened in (open_dataset(tmp_path), open_dataset(tmp_path, tmp_path / "posts_1.json")):
            pairs = [(pair.photo, pair.caption, pair.record, pair.index) for pair in opened.pairs]
            assert pairs == [("a.jpg", "größe", 0, 0), ("b.jpg", "größe", 0, 0), ("b.jpg", "two", 1, 1)]

    def test_an_export_without_its_photos_says_what_to_do(self, tmp_path: Path) -> None:
        lay_out(tmp_path, {"posts_1.json": [self.carousel("one")]}, "c.jpg")
        with pytest.raises(InputError, match=r"posts_1.json:\[0\] is skipped as missing-photo") as caught:
            open_dataset(tmp_path)
        assert "all parts" in (caught.value.hint or "")

    def test_a_damaged_file_beside_posts_stops_it(self, tmp_path: Path) -> None:
        lay_out(tmp_path, {"posts_1.json": [self.carousel("one")], "posts_2.json": "[{"}, "a.jpg", "b.jpg")
        with pytest.raises(InputError, match=r"posts_2\.json is damaged or cut short"):
            open_dataset(tmp_path)

    @given(st.text())
    def test_mojibake_goes_there_and_back(self, plain: str) -> None:
        assert undone(redone(plain)) == plain


class TestFacebook:
    def test_words_of_a_post_are_not_repeated_by_the_photo_and_covers_and_videos_add_nothing(self, tmp_path) -> None:
        def medium(name: str, words: str = "") -> dict[str, Any]:
            return {"uri": name, "creation_timestamp": 1700, **({"description": redone(words)} if words else {})}

        media = [medium("a.jpg", "größe"), medium("b.jpg", "mine"), medium("c.mp4")]
        post = {
            "data": [{"post": redone("größe")}, {"update_timestamp": 1}],
            "attachments": [{"data": [{"media": one} for one in media]}, {"data": [{"external_context": {}}]}],
        }
        album = {"name": "Lake", "photos": [medium("d.jpg", "lake")], "cover_photo": medium("d.jpg", "lake")}
        others = {"other_photos_v2": [medium("e.jpg")]}
        texts = {"posts/your_posts_1.json": [post, {"data": []}], "posts/album/0.json": album}
        lay_out(
            tmp_path,
            texts | {"your_uncategorized_photos.json": others},
            *("a.jpg", "b.jpg", "c.mp4", "d.jpg", "e.jpg"),
        )
        dataset = open_dataset(tmp_path)
        assert words(dataset) == {"a.jpg": ["größe"], "b.jpg": ["größe", "mine"], "d.jpg": ["lake"]}
        assert {reason for _, reason in left_out(dataset)} == {"not-a-photo", "no-photo"}

    def test_of_two_labelled_texts_neither_is_taken(self, tmp_path: Path) -> None:
        texts = [{"label": "Message", "value": "a"}, {"label": "Text", "value": "b"}]
        post = {"timestamp": 17, "media": [{"uri": "b.jpg"}], "label_values": texts}
        lay_out(tmp_path, {"your_posts_1.json": [post, {**post, "media": []}]}, "b.jpg")
        dataset = open_dataset(tmp_path)
        assert dataset.uncaptioned == {"b.jpg"}
        assert [reason for _, reason in left_out(dataset)][:2] == ["unknown-part", "no-photo"]


MASTODONS = [f"media_attachments/files/109/{n:03}/original/{n}a.png" for n in range(2)]


class TestMastodon:
    @pytest.mark.parametrize(
        ("to", "cc", "read"),
        [
            (["https://www.w3.org/ns/activitystreams#Public"], ["https://a.b/users/me/followers"], True),
            (["https://a.b/users/me/followers"], ["https://a.b/users/bob"], True),
            (["https://a.b/users/bob"], ["as:Public"], True),
            (["https://a.b/users/bob"], [], False),
            ("https://a.b/users/followers/bob", None, False),
            (["https://a.b/users/Public"], [], False),
            ([], [], False),
        ],
    )
    def test_what_was_sent_to_somebody_is_no_post(self, to: object, cc: object, read: bool, tmp_path: Path) -> None:
        media = [{"type": "Document", "url": f"/{MASTODONS[0]}", "name": None}]
        note = {"type": "Note", "content": "<p>my passport</p>", "to": to, "cc": cc, "attachment": media}
        public = {**note, "content": "<p>hello</p>", "to": ["as:Public"], "attachment": [{"url": f"/{MASTODONS[1]}"}]}
        posts = [{"type": "Create", "to": each["to"], "cc": each["cc"], "object": each} for each in (note, public)]
        lay_out(tmp_path, {"outbox.json": {"orderedItems": posts}}, *MASTODONS)
        dataset = open_dataset(tmp_path)
        assert photos(dataset) == MASTODONS[0 if read else 1 :]
        assert [reason for _, reason in left_out(dataset)] == ([] if read else ["message", "in-no-post"])

    def test_html_becomes_words_and_alt_texts_are_captions(self, tmp_path: Path) -> None:
        content = '<p><a href="https://a.b/@c">@<span>c</span></a> a &amp; b<br />c</p><p>#lake</p>'
        media = [
            {"url": f"https://a.b/system/{photo}", "name": alt}
            for photo, alt in zip(MASTODONS, ("", "alt"), strict=True)
        ]
        posts = [
            {"type": "Create", "object": {"summary": "cw", "content": content, "attachment": media}},
            {"type": "Announce", "object": "https://a.b/1"},
            {"type": "Delete", "object": {"type": "Tombstone"}},
            {"type": "Create", "object": {"content": "words alone", "attachment": []}},
        ]
        lay_out(tmp_path, {"outbox.json": {"orderedItems": posts}}, *MASTODONS)
        dataset = open_dataset(tmp_path)
        said = "@c a & b\nc\n\n#lake"
        assert words(dataset) == {MASTODONS[0]: [said], MASTODONS[1]: [said, "alt"]}
        assert [reason for _, reason in left_out(dataset)] == ["boost", "deleted", "no-photo"]


def tweet(own: int, text: str, kind: str = "photo", **more: object) -> dict[str, Any]:
    media = [{"media_url_https": f"https://pbs/{own}.jpg", "url": f"https://t.co/{own}", "type": kind}]
    written = text.replace("&", "&amp;").replace("<", "&lt;")
    post = {"id_str": str(own), "full_text": f"{written} https://t.co/{own}", "extended_entities": {"media": media}}
    return {"tweet": {**post, "created_at": "Wed May 01 10:00:00 +0000 2024", **more}}


def x_archive(root: Path, *tweets: dict[str, Any], name: str = "tweets.js") -> Dataset:
    script = {f"data/{name}": f"window.YTD.x.part0 = {json.dumps(tweets)}"}
    lay_out(root, script, *(f"data/tweets_media/{one['tweet']['id_str']}-{n}.jpg" for n, one in enumerate(tweets)))
    return open_dataset(root)


class TestX:
    def test_captions_lose_their_own_link_and_what_is_not_of_the_user_is_left_out(self, tmp_path: Path) -> None:
        dataset = x_archive(
            tmp_path,
            tweet(0, "say <3 https://t.co/other"),
            tweet(1, "RT @x: their words", full_text="RT @x: their words"),
            tweet(2, "moving", kind="video"),
            tweet(3, "words alone", extended_entities={}),
        )
        assert words(dataset) == {"data/tweets_media/0-0.jpg": ["say <3 https://t.co/other"]}
        assert dict(dataset.dates) == {"data/tweets_media/0-0.jpg": "2024-05-01"}
        assert [reason for _, reason in left_out(dataset)] == ["boost", "not-a-photo", "no-photo", "in-no-post"]

    def test_posts_in_communities_are_posts(self, tmp_path: Path) -> None:
        assert len(words(x_archive(tmp_path, tweet(0, "a dog"), name="community-tweet.js"))) == 1


def row(photo: str) -> str:
    return json.dumps({"file_name": photo, "text": f"words of mine for {photo}"})


class TestCaptionsOfOnesOwn:
    """What an export keeps to itself stays unpublished where the captions come from another file."""

    @pytest.mark.parametrize("name", ["captions.jsonl", "metadata.jsonl"])
    def test_photos_of_messages_are_not_published(self, name: str, tmp_path: Path) -> None:
        posts = [{"uri": f"media/{n}.jpg", "creation_timestamp": 1, "title": "a post"} for n in range(3)]
        pictures = [f"media/{n}.jpg" for n in range(3)]
        lay_out(tmp_path, {"media/posts_1.json": [{"media": posts}]}, *pictures, "messages/secret.jpg", "own.jpg")
        own = captions(tmp_path / name, row("media/0.jpg"), row("own.jpg"))
        dataset = open_dataset(tmp_path, own)
        assert photos(dataset) == ["media/0.jpg", "own.jpg"], "of an export those that are named"
        assert left_out(dataset) == [("media/1.jpg", "in-no-post")]

    def test_an_export_that_cannot_be_read_publishes_nothing_but_what_is_named(self, tmp_path: Path) -> None:
        post = {"uri": "gone.jpg", "creation_timestamp": 1}
        lay_out(tmp_path, {"posts_1.json": [{"media": [post]}]}, "a.jpg", "secret.jpg")
        assert photos(open_dataset(tmp_path, captions(tmp_path / "my.jsonl", row("a.jpg")))) == ["a.jpg"]

    def test_the_trash_is_not_published(self, tmp_path: Path) -> None:
        marks = {"a.jpg": {}, "b.jpg": {}, "c.jpg": {"trashed": True}, "d.jpg": {"inLockedFolder": True}}
        for name, mark in marks.items():
            text = {"title": name, "description": "", "photoTakenTime": {"timestamp": "1"}, **mark}
            lay_out(tmp_path, {f"{name}.json": text}, name)
        dataset = open_dataset(tmp_path, captions(tmp_path / "captions.jsonl", row("a.jpg"), row("c.jpg")))
        assert photos(dataset) == ["a.jpg", "b.jpg"]
        assert left_out(dataset) == [("c.jpg", "withheld"), ("d.jpg", "withheld")]
        write_captions(dataset, Edits(paths={"a.jpg": "a.jpg", "b.jpg": "b.jpg"}), tmp_path / "out.jsonl")
        assert (tmp_path / "out.jsonl").read_text() == row("a.jpg") + "\n"

    @pytest.mark.parametrize(
        "private",
        [
            "your_instagram_activity/messages/inbox/bob/photos/1.jpg",
            "x/data/direct_messages_media/1-a.jpg",
            "media/recently_deleted/1.jpg",
            "old/direct/201904/1.jpg",
        ],
    )
    def test_an_export_in_html_is_refused(self, private: str, tmp_path: Path) -> None:
        lay_out(tmp_path, {"posts_1.html": "<html>"}, "media/posts/1.jpg", private)
        with pytest.raises(InputError, match=f"posts cannot be read, and {private} belongs to none") as caught:
            open_dataset(tmp_path)
        assert "JSON" in (caught.value.hint or "")
        assert photos(open_dataset((tmp_path / private).parent)) == [Path(private).name]
        dataset = open_dataset(tmp_path, captions(tmp_path / "own.jsonl", row("media/posts/1.jpg")))
        assert photos(dataset) == ["media/posts/1.jpg"]
        assert left_out(dataset) == [(private, "in-no-post")]

    def test_photos_of_chats_beside_google_photos_are_not_published(self, tmp_path: Path) -> None:
        text = {"title": "a.jpg", "description": "a lake", "photoTakenTime": {"timestamp": "1"}}
        lake, *chats = "Takeout/Google Photos/a.jpg", *(f"Takeout/Google Chat/Groups/DM 1/{n}.jpg" for n in range(2))
        lay_out(tmp_path, {f"{lake}.json": text}, lake, *chats)
        dataset = open_dataset(tmp_path)
        named = open_dataset(tmp_path, captions(tmp_path / "own.jsonl", row(lake), row(chats[1])))
        assert (photos(dataset), photos(named)) == ([lake], [chats[1], lake])  # what is named is meant
        assert left_out(named) == [(chats[0], "in-no-post")]


def test_a_folder_of_nothing_but_trash_is_refused_in_a_line(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.jpg.json": {"title": "a.jpg", "trashed": True}}, "a.jpg")
    touch(tmp_path, "own.jsonl")
    for own in (None, captions(tmp_path / "own.jsonl", row("a.jpg"))):
        with pytest.raises(InputError, match=r"may be published; a.jpg: withheld \(it lies in the trash\)"):
            open_dataset(tmp_path, own)
