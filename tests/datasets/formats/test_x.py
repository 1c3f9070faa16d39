"""X's archive: the prefix, HTML's three letters, the link at the end, and what is not a photo of the user's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.datasets.formats.exports import Look, goes_round, lay_out, text
from unlearnable.datasets import open_dataset

PLACES = ("data/tweets_media", "data/tweet_media")


def name(number: int) -> str:
    return f"Ab-{number}_x.{'heic' if number % 7 == 3 else 'jpg'}"


def tweet(look: Look, own: int, words: str, *media: dict[str, Any]) -> dict[str, Any]:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    full = f"{look.caption(escaped)} https://t.co/{own}" if words else f"https://t.co/{own}"
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


@pytest.mark.parametrize("folder", PLACES)
def test_all_but_captions_and_paths_stays(folder: str, tmp_path: Path) -> None:
    own = [*(100 + n for n in range(16)), *[200] * 4, *[201] * 4, 400]
    photos = [f"{folder}/{number}-{name(n)}" for n, number in enumerate(own)]
    others = ("data/direct_messages_media/1-secret.jpg", "data/direct-messages.js", "data/deleted-tweets.js")
    dataset = goes_round(lambda look: made(look, folder), tmp_path, *photos, *others)
    assert (dataset.format, dataset.source) == ("x", None)
    captions = dataset.captions_by_photo()
    assert captions[photos[1]] == [f"{text(1)} https://t.co/other"]
    assert captions[photos[16]] == captions[photos[19]] == [text(16)]
    assert dataset.uncaptioned == set(photos[20:24])
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [
        ("data/tweets.js:[3]", "no-photo"),
        ("data/tweets.js:[4]", "boost"),
        ("data/tweets.js:[5]", "not-a-photo"),
        ("data/tweets.js:[6]", "missing-photo"),
        *((f"data/tweets.js:[21].media[{n}]", "no-caption") for n in range(4)),
        ("data/direct_messages_media/1-secret.jpg", "in-no-post"),
    ]


@pytest.mark.parametrize("content", ['[{"full_text": "x"}]', "window.YTD.tweets.part0 = []", "var x = 'full_text'"])
def test_other_scripts_are_no_archive(content: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"data/tweets.js": content}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"
