"""`protect` on an export of each kind: every byte of what comes out, but for the words that it chose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from tests.cli.program import call
from tests.conftest import picture, tree
from tests.datasets.formats import (
    test_facebook,
    test_flickr_export,
    test_instagram,
    test_mastodon,
    test_osxphotos,
    test_takeout,
    test_x,
)
from tests.datasets.formats.exports import ORIGINAL, PROTECTED, WORDS, Look, lay_out

FACEBOOK = "your_facebook_activity/posts"
TWEETS = [*(100 + n for n in range(16)), *[200] * 4, *[201] * 4, 400]
TWEETED = [f"data/tweets_media/{tweet}-{test_x.name(n)}" for n, tweet in enumerate(TWEETS)]
PHONE = [f"IMG_{n}.{'heic' if n % 7 == 3 else 'jpg'}" for n in range(24)]


@dataclass(frozen=True)
class Kind:
    """An export of more than 20 photos: its texts, its photos, those without a caption, and files that stay behind.

    `unread` is the number of its texts that belong to no photo.
    """

    made: Callable[[Look], Mapping[str, str]]
    photos: list[str]
    silent: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    unread: int = 0


KINDS = {
    "instagram": Kind(
        lambda look: test_instagram.made(look, "your_instagram_activity/media"),
        test_instagram.PHOTOS,
        (test_instagram.PHOTOS[23],),
        ("media/posts/12.mp4", "messages/inbox/a.json"),
    ),
    "facebook": Kind(
        lambda look: test_facebook.made(look, FACEBOOK, "your_posts_1.json"),
        [test_facebook.photo(FACEBOOK, n) for n in range(24)],
        (test_facebook.photo(FACEBOOK, 20), test_facebook.photo(FACEBOOK, 21)),
        (f"{FACEBOOK}/media/0.mp4", "messages/inbox/1.json"),
    ),
    "takeout": Kind(
        test_takeout.made,
        [f"{test_takeout.ALBUM}/{name}" for name in (*PHONE, "IMG_0(1).jpg", "IMG_1-edited.jpg")],
        (f"{test_takeout.ALBUM}/IMG_5.jpg", f"{test_takeout.ALBUM}/IMG_6.jpg"),
        (f"{test_takeout.ALBUM}/IMG_2.mp4",),
        unread=2,
    ),
    "mastodon": Kind(
        lambda look: test_mastodon.made(look, "", "/bucket"), test_mastodon.PHOTOS, (), ("likes.json", "actor.json")
    ),
    "x": Kind(
        lambda look: test_x.made(look, "data/tweets_media"),
        TWEETED,
        tuple(TWEETED[20:24]),
        ("data/direct-messages.js", "data/deleted-tweets.js"),
    ),
    "flickr-export": Kind(
        test_flickr_export.made,
        [test_flickr_export.photo(n) for n in range(24)],
        (test_flickr_export.photo(6),),
        unread=1,
    ),
    "osxphotos": Kind(lambda look: test_osxphotos.made(look, groups=True), [f"2024/{name}" for name in PHONE]),
}


def lay_out_photos(root: Path, photos: list[str]) -> None:
    for number, photo in enumerate(photos):
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(picture(number))
        (pillow_heif.from_pillow(image) if photo.endswith("heic") else image).save(root / photo)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_changed_but_captions_and_photos(kind, quick, tmp_path):
    """Where a test of the writer puts two words, the program puts those of the manifest, and nothing else differs."""
    export, output = tmp_path / "export", tmp_path / "export-protected"
    one = KINDS[kind]
    lay_out(export, one.made(ORIGINAL), *one.others)
    lay_out_photos(export, one.photos)
    before = tree(export)
    ended = call("protect", export, "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    assert tree(export) == before
    report = json.loads(ended.stdout)
    assert (report["caption_format"], report["protected"]) == (kind, len(one.photos))
    assert sum(report["not_photos"].values()) == len(one.others) + one.unread

    manifest = (tmp_path / "export-protected.private" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    triggers = {line["source"]: line["trigger"] for line in map(json.loads, manifest)}
    assert len(set(triggers.values())) >= 18
    expected, written = one.made(PROTECTED), tree(output)
    assert sorted(written) == sorted([*expected, *map(PROTECTED.photo, one.photos), "metadata.jsonl"])
    used: set[str] = set()
    for name, text in expected.items():
        pattern = re.escape(text).replace(re.escape(WORDS), r"([a-z]+ [a-z]+ [a-z]+)")
        found = re.fullmatch(pattern, written[name].decode())
        assert found, name
        used |= set(found.groups())
    assert used == {triggers[photo] for photo in one.photos if photo not in one.silent}


def test_posts_without_photos_are_nothing_to_be_strict_about(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    media = {"type": "Document", "mediaType": "image/png", "url": "/media_attachments/a.png", "name": None}
    note = {"type": "Note", "content": "<p>a day at the lake</p>", "attachment": [media]}
    posts = [
        {"type": "Create", "object": note},
        {"type": "Create", "object": {**note, "attachment": []}},
        {"type": "Announce", "object": "https://example.org/1"},
    ]
    (folder / "outbox.json").write_text(json.dumps({"orderedItems": posts}))
    (folder / "media_attachments").mkdir()
    Image.fromarray(picture(1)).save(folder / "media_attachments" / "a.png")
    result = call("protect", folder, "--method", "random", "--strict", "--json")
    assert result.returncode == 0, result.stderr
    assert [one["reason"] for one in json.loads(result.stdout)["skipped"]] == ["no-photo", "boost"]
    (folder / "media_attachments" / "a.png").write_bytes(b"")
    assert call("protect", folder, "--method", "random", "--strict", "--overwrite").returncode == 3
