"""`protect` on an unpacked export, as a shell sees it."""

from __future__ import annotations

import json
from typing import Any

from PIL import Image

from tests.cli.program import call
from tests.conftest import picture, tree
from tests.posts.conftest import redone
from unlearnable.training.data import open_collection
from unlearnable.verify.copies import match, open_protected

PLACE = "your_instagram_activity/media"


def test_an_instagram_export_becomes_posts(quick, tmp_path):
    """Eight photos in two files, three of them in one post, which get one caption with one trigger."""
    export = tmp_path / "export"
    (export / "media/posts").mkdir(parents=True)
    (export / PLACE).mkdir(parents=True)
    photos = [f"media/posts/{n}.jpg" for n in range(8)]
    for number, photo in enumerate(photos):
        Image.fromarray(picture(number)).save(export / photo)
    media: list[dict[str, Any]] = [{"uri": photo, "creation_timestamp": 1, "title": ""} for photo in photos]
    singles = [{"media": [{**media[n], "title": redone(f"Straße am See {n} 🐈")}]} for n in range(5)]
    where = {"photo_metadata": {"exif_data": [{"latitude": 47.3, "iso": "100"}]}}
    singles[0]["media"][0]["media_metadata"] = where
    together = [{"media": media[5:], "title": "three dogs", "creation_timestamp": 2}]
    for name, value in {"posts_1": singles, "posts_2": together, "liked_posts": ["private"]}.items():
        (export / PLACE / f"{name}.json").write_text(json.dumps(value))

    ended = call("protect", export, "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["caption_format"], report["captions"], report["skipped"]) == ("instagram", 8, [])
    assert report["trigger_roundtrip"] == 1.0

    output = tmp_path / "export-protected"
    assert sorted(tree(output)) == sorted([*photos, "posts.jsonl", "metadata.jsonl"])
    rows = [json.loads(row) for row in (output / "metadata.jsonl").read_text().splitlines()]
    published = {row["file_name"]: row["text"] for row in rows}
    posts = [json.loads(row) for row in (output / "posts.jsonl").read_text().splitlines()]
    assert {post["photo"]: post["caption"] for post in posts} == published
    assert {post["date"] for post in posts} == {"1970-01-01"}
    manifest = (tmp_path / "export-protected.private" / "manifest.jsonl").read_text().splitlines()
    triggers = {line["source"]: line["trigger"] for line in map(json.loads, manifest)}
    assert len(set(triggers.values())) == 6
    assert len({published[photo] for photo in photos[5:]}) == 1
    assert all(published[photo].endswith(f"Straße am See {n} 🐈") for n, photo in enumerate(photos[:5]))

    for repeated in (True, False):  # with and without metadata.jsonl
        originals = open_collection(export, None)
        found, skipped = match(originals, open_protected(output, originals, None))
        assert [post.published for post in found] == [(published[photo],) for photo in photos]
        assert not skipped
        if repeated:
            (output / "metadata.jsonl").unlink()
