"""X's archive: the prefix, HTML's three letters, the link at the end, and what is not a photo of the user's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.posts.readers.exports import ORIGINAL, Look, lay_out, text
from unlearnable.errors import InputError
from unlearnable.posts import open_dataset

PLACES = ("data/tweets_media", "data/tweet_media")


def name(number: int) -> str:
    return f"Ab-{number}_x.{'heic' if number % 7 == 3 else 'jpg'}"


def escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tweet(look: Look, own: int, words: str, *media: dict[str, Any]) -> dict[str, Any]:
    full = f"{look.caption(escaped(words))} https://t.co/{own}" if words else f"https://t.co/{own}"
    entities = {"urls": [{"url": "https://t.co/other"}]}
    post = {"retweeted": False, "entities": entities, "id_str": str(own), "full_text": full, "n": 1.50}
    extended = (
        {"extended_entities": {"media": [{**one, "url": f"https://t.co/{own}"} for one in media]}} if media else {}
    )
    return {"tweet": {**post, **extended}}


def medium(look: Look, number: int, kind: str = "photo") -> dict[str, Any]:
    address = f"https://pbs.twimg.com/media/{look.photo(name(number))}"
    return {"media_url_https": address, "indices": ["1", "2"], "type": kind}


def made(look: Look, folder: str) -> dict[str, str]:
    """16 posts of one photo, two of four, of which the last has no words, and posts that cannot be used."""
    posts = [tweet(look, 100 + n, f"{text(n)} https://t.co/other", medium(look, n)) for n in range(16)]
    posts += [
        tweet(look, 200, text(16), *(medium(look, n) for n in range(16, 20))),
        tweet(look, 201, "", *(medium(look, n) for n in range(20, 24))),
    ]
    if look.complete:
        unusable = [
            tweet(look, 300, "words alone"),
            {"tweet": {**tweet(look, 301, "", medium(look, 0))["tweet"], "full_text": "RT @x: their words"}},
            tweet(look, 302, "moving", medium(look, 0, "video")),
            tweet(look, 303, "gone", medium(look, 99)),
        ]
        posts[3:3] = unusable
    older = [tweet(look, 400, text(24), medium(look, 24))]
    parts = {"tweets.js": posts, "tweets-part1.js": older}
    return {
        f"data/{file}": f"window.YTD.tweets.part{n} = {json.dumps(value, indent=2, ensure_ascii=False)}"
        for n, (file, value) in enumerate(parts.items())
    }


@pytest.mark.parametrize("content", ['[{"full_text": "x"}]', "window.YTD.tweets.part0 = []", "var x = 'full_text'"])
def test_other_scripts_are_no_archive(content: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"data/tweets.js": content}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"


LONG = ("Größe & <b> of the lake " * 15).strip()
OTHER = ("< another long day at the sea " * 20).strip()


def archive(root: Path, notes: list[str], *posts: str) -> None:
    """Lay out an archive of posts of one photo each, and of long ones in full."""
    rows = [
        {"noteTweet": {"noteTweetId": str(900 + n), "createdAt": "2025-06-04T10:00:00.000Z", "core": {"text": one}}}
        for n, one in enumerate(notes)
    ]
    tweets = [tweet(ORIGINAL, n, words, medium(ORIGINAL, n)) for n, words in enumerate(posts)]
    files = {"tweets.js": ("tweets", tweets), "note-tweet.js": ("note_tweet", rows)}
    texts = {
        f"data/{file}": f"window.YTD.{of}.part0 = {json.dumps(value, ensure_ascii=False)}"
        for file, (of, value) in files.items()
    }
    lay_out(root, texts, *(f"data/tweets_media/{n}-{name(n)}" for n in range(len(posts))))


def cut(words: str, link: str = "") -> str:
    return f"{words[:250]}…{link}"


@pytest.mark.parametrize(
    ("notes", "post", "read"),
    [
        ([LONG, OTHER], f"@ada @bob_2 {cut(LONG)}", f"@ada @bob_2 {LONG}"),
        ([f"@ada {LONG}", f"@bob {LONG}"], f"@ada {cut(LONG)}", f"@ada {LONG}"),  # both replies say the same
        ([f"@bob {LONG}"], f"@ada {cut(LONG)}", f"@ada {cut(LONG)}"),
        ([LONG], f"@ada {LONG[:60]}… @bob", f"@ada {LONG[:60]}… @bob"),
        ([LONG], "@ada_of_the_long_name " * 8 + LONG[:20] + "…", "@ada_of_the_long_name " * 8 + LONG[:20] + "…"),
    ],
)
def test_a_reply_is_read_in_full_though_its_note_lacks_whom_it_is_to(
    notes: list[str], post: str, read: str, tmp_path: Path
) -> None:
    archive(tmp_path, notes, post)
    assert list(open_dataset(tmp_path).captions_by_photo().values()) == [[read]]


@pytest.mark.parametrize(
    ("notes", "post"),
    [
        ([LONG + "one", LONG + "two"], cut(LONG)),  # either may be it
        (["No. " + LONG], cut(LONG)),
        ([LONG], LONG[:250]),  # it does not say that it goes on
        ([LONG], LONG[:60] + "…"),  # anybody may begin so
        ([], cut(LONG)),
    ],
)
def test_a_beginning_that_may_be_of_another_post_stays(notes: list[str], post: str, tmp_path: Path) -> None:
    archive(tmp_path, notes, post)
    assert list(open_dataset(tmp_path).captions_by_photo().values()) == [[post]]


def test_long_posts_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    archive(tmp_path, [LONG], cut(LONG))
    (tmp_path / "data" / "note-tweet.js").write_text("window.YTD.note_tweet.part0 = [{")
    with pytest.raises(InputError, match=r"note-tweet\.js is damaged or cut short: ") as caught:
        open_dataset(tmp_path)
    assert "unpack the archive again" in (caught.value.hint or "")


def test_posts_in_communities_are_posts(tmp_path: Path) -> None:
    text = f"window.YTD.community_tweet.part0 = {json.dumps([tweet(ORIGINAL, 1, 'a dog', medium(ORIGINAL, 1))])}"
    photo = f"data/community_tweet_media/1-{name(1)}"
    lay_out(tmp_path, {"data/community-tweet.js": text}, photo)
    assert open_dataset(tmp_path).captions_by_photo() == {photo: ["a dog"]}
