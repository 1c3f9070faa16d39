"""Mastodon's archive: HTML and alt texts, paths with a folder before them, and what is no post of the user's."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest

from tests.posts.readers.exports import Look, lay_out, text
from unlearnable.posts import open_dataset

MENTION = '<span class="h-card"><a href="https://a.b/@c">@<span>c</span></a></span>'
PHOTOS = [f"media_attachments/files/109/{n:03}/original/{n}a.{'heic' if n % 7 == 3 else 'png'}" for n in range(24)]
LINK = "https://a.b/x/attachment.jpg"


def attachment(look: Look, photo: str, alt: str | None, before: str) -> dict[str, Any]:
    url = f"{before}/{look.photo(photo)}"
    return {"type": "Document", "mediaType": "image/png", "url": url, "name": alt and look.caption(alt), "width": 1.50}


def content_of(look: Look, words: str) -> str:
    """Two paragraphs with a mention; the new words come before all of it."""
    before = look.caption("").rstrip()
    body = html.escape(words).replace("&#x27;", "&#39;").replace("\n", "<br />")
    return f"<p>{before + ' ' if before else ''}{MENTION} {body}</p><p>#lake</p>"


def post(look: Look, words: str, media: list[dict[str, Any]]) -> dict[str, Any]:
    content = content_of(look, words) if words else ""
    note = {
        "type": "Note",
        "summary": f"cw: {words}",
        "content": content,
        "contentMap": {"en": content, "de": "<p></p>"},
    }
    return {
        "id": "x",
        "type": "Create",
        "cc": [1e3],
        "object": {**note, "attachment": media, "tag": [{"name": "#lake"}]},
    }


def made(look: Look, folder: str, before: str) -> dict[str, str]:
    """16 posts of one photo, two of four, of which the last has alt texts alone; the JSON as Rails spells it."""
    posts = [post(look, text(n), [attachment(look, PHOTOS[n], None, before)]) for n in range(16)]
    for words, first in ((text(16), 16), ("", 20)):
        alts = (text(n) if n % 2 or not words else None for n in range(first, first + 4))
        photos = PHOTOS[first : first + 4]
        posts.append(post(look, words, [attachment(look, p, a, before) for p, a in zip(photos, alts, strict=True)]))
    if look.complete:
        boost: dict[str, Any] = {"type": "Announce", "object": LINK}
        deleted = {"type": "Delete", "object": {"type": "Tombstone"}}
        outside = [attachment(look, "../../a.png", None, "..")]
        unusable: list[dict[str, Any]] = [boost, deleted, post(look, "words alone", []), post(look, "x", outside)]
        posts[2:2] = [*unusable, post(look, "y", [attachment(look, "media_attachments/gone.png", None, before)])]
    whole = {"@context": "https://www.w3.org/ns/activitystreams", "totalItems": 99, "orderedItems": posts}
    spelt = json.dumps(whole, ensure_ascii=False)
    return {f"{folder}outbox.json": spelt.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")}


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
def test_what_was_sent_to_somebody_is_no_post(to: object, cc: object, read: bool, tmp_path: Path) -> None:
    media = [{"type": "Document", "url": f"/{PHOTOS[0]}", "name": None}]
    note = {"type": "Note", "content": "<p>my passport</p>", "to": to, "cc": cc, "attachment": media}
    public = {**note, "content": "<p>hello</p>", "to": ["as:Public"], "attachment": [{"url": f"/{PHOTOS[1]}"}]}
    posts = [{"type": "Create", "to": each["to"], "cc": each["cc"], "object": each} for each in (note, public)]
    lay_out(tmp_path, {"outbox.json": json.dumps({"orderedItems": posts})}, *PHOTOS[:2])
    dataset = open_dataset(tmp_path)
    assert [photo.id for photo in dataset.photos] == PHOTOS[0 if read else 1 : 2]
    assert [skip.reason for skip in dataset.skipped] == ([] if read else ["message", "in-no-post"])


@pytest.mark.parametrize("value", [{"orderedItems": ["https://a.b/1"]}, {"orderedItems": 3}, [], {}])
def test_other_collections_are_no_posts(value: object, tmp_path: Path) -> None:
    lay_out(tmp_path, {"outbox.json": json.dumps(value), "outbox2.json": "{["}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"
