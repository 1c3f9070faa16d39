"""Mastodon's archive: the posts of `outbox.json` with their attachments, whose `content` is HTML and `name` alt text.

A post's photos share its content. The content warning (`summary`) is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearnable.posts.export import Export, objects, text_in
from unlearnable.posts.records import Entry, Text
from unlearnable.posts.text import words_of_html
from unlearnable.posts.types import Skipped

_MEDIA = "media_attachments/"
_ALL = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")


def _suits(whole: Any) -> bool:
    return any("object" in post for post in objects(whole, "orderedItems"))


def _records(whole: Any, path: Path) -> Iterator[Entry | Skipped]:
    for number, post in enumerate(whole["orderedItems"]):
        place, why = f"orderedItems[{number}]", _unusable(post)
        if why:
            yield Skipped(place, *why)
        else:
            yield from _media(place, post["object"], str(post.get("published") or "")[:10])


def _unusable(post: Any) -> tuple[str, str] | None:
    """Return why a post has no photos of the user's, as reason and detail; None where it may have some."""
    kind = post.get("type") if isinstance(post, dict) else None
    if kind == "Announce":
        return "boost", "a post of somebody else"
    if kind == "Delete":
        return "deleted", "a post that was deleted"
    note = post.get("object") if kind == "Create" else None
    if isinstance(note, dict) and _is_message(post, note):
        return "message", "a message to somebody"
    usable = any(isinstance(one.get("url"), str) for one in objects(note, "attachment"))
    return None if usable else ("no-photo", "a post without attachments")


def _is_message(post: dict[str, Any], note: dict[str, Any]) -> bool:
    """Return whether a post is neither for all nor for followers: for people whom it names, or for nobody."""
    given = [each.get(name) for each in (post, note) for name in ("to", "cc")]
    readers = [one for each in given for one in (each if isinstance(each, list) else [each]) if isinstance(one, str)]
    told = bool(readers) or any(isinstance(each.get("to"), list) for each in (post, note))
    return told and not any(reader in _ALL or reader.endswith("/followers") for reader in readers)


def _media(place: str, note: dict[str, Any], date: str) -> Iterator[Entry]:
    content, media = text_in(note, "content", words_of_html), objects(note, "attachment")
    for number, one in enumerate(media):
        photo, alt = text_in(one, "url"), text_in(one, "name")
        if photo is not None:
            where = f"{place}.attachment[{number}]" if len(media) > 1 else place
            captions = tuple(caption for caption in (content, alt) if caption)
            date = date or str(note.get("published") or "")[:10]
            yield Entry(where, Text(_path(photo.value)), captions, date=date)


def _path(url: str) -> str:
    """Return an attachment's path, which begins where the archive's own folders do."""
    return url[max(url.find(_MEDIA), 0) :].lstrip("/")


MASTODON = Export("mastodon", r"outbox.*\.json", ('"orderedItems"',), _suits, _records)
