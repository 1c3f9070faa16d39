"""Exports of which a file is damaged: one of posts is named, and any other hides nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.datasets.conftest import captions
from tests.datasets.formats import test_facebook, test_instagram, test_mastodon, test_x
from tests.datasets.formats.exports import ORIGINAL, lay_out
from unlearnable.datasets import open_dataset
from unlearnable.errors import InputError

FACEBOOK = "your_facebook_activity/posts"
INSTAGRAM = "your_instagram_activity/media"
KINDS = {
    "instagram": (test_instagram.made(ORIGINAL, INSTAGRAM), test_instagram.PHOTOS),
    "facebook": (
        test_facebook.made(ORIGINAL, FACEBOOK, "your_posts_1.json"),
        [test_facebook.photo(FACEBOOK, n) for n in range(24)],
    ),
    "mastodon": (test_mastodon.made(ORIGINAL, "", ""), test_mastodon.PHOTOS),
    "x": (
        test_x.made(ORIGINAL, "data/tweets_media"),
        [f"data/tweets_media/{tweet}-{test_x.name(n)}" for tweet, n in ((100, 0), (400, 24))],
    ),
}
FILES = [(kind, file) for kind, (texts, _) in KINDS.items() for file in texts]
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut short": (lambda data: data[: len(data) * 9 // 10], "damaged or cut short: .* line"),
    "latin-1": (lambda data: data.replace(b" no. ", b" n\xb0 ", 1), "not text in UTF-8"),
}


@pytest.mark.parametrize(("kind", "file"), FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_posts_is_named(damage: str, kind: str, file: str, tmp_path: Path) -> None:
    texts, photos = KINDS[kind]
    lay_out(tmp_path, texts, *photos, "messages/inbox/a.jpg")
    spoil, why = DAMAGES[damage]
    (tmp_path / file).write_bytes(spoil((tmp_path / file).read_bytes()))
    with pytest.raises(InputError, match=f"{file} is {why}") as caught:
        open_dataset(tmp_path)
    assert "unpack the export again" in (caught.value.hint or "")
    (tmp_path / file).unlink()
    if len(texts) > 1:
        assert open_dataset(tmp_path).format == kind


@pytest.mark.parametrize("content", ["", "\0" * 900, '[{"media": [{"ur'])
def test_a_file_beside_posts_is_named_that_says_nothing_any_more(content: str, tmp_path: Path) -> None:
    texts, photos = KINDS["instagram"]
    lay_out(tmp_path, {**texts, f"{INSTAGRAM}/posts_3.json": content}, *photos)
    with pytest.raises(InputError, match=r"posts_3\.json is damaged or cut short"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_anything_else_hide_no_posts(kind: str, tmp_path: Path) -> None:
    texts, photos = KINDS[kind]
    lay_out(tmp_path, texts, *photos, "notes/1.json", "old/tweets.js", "old/outbox.json")
    for name in ("media.json", "message.json", "notes.txt", f"{INSTAGRAM}/media.json", f"{FACEBOOK}/album/77.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(json.dumps({"note": "à la mer"}, ensure_ascii=False).encode("latin-1"))
    assert open_dataset(tmp_path).format == kind


def test_a_damaged_file_alone_is_in_no_known_format(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.json": '[{"uri": "a.jpg", "creation_timestamp": 1'}, "a.jpg")
    with pytest.raises(InputError, match="in no known format") as caught:
        open_dataset(tmp_path, tmp_path / "a.json")
    assert "not valid JSON" in (caught.value.hint or "")


def test_with_captions_of_ones_own_only_what_they_name_is_published(tmp_path: Path) -> None:
    texts, photos = KINDS["instagram"]
    lay_out(tmp_path, {**texts, f"{INSTAGRAM}/posts_3.json": "["}, *photos, "messages/a.jpg")
    own = captions(tmp_path / "own.jsonl", json.dumps({"image": photos[0], "caption": "a dog"}))
    assert [photo.id for photo in open_dataset(tmp_path, own).photos] == [photos[0]]
