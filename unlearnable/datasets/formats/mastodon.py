"""Mastodon's archive: the posts of `outbox.json` with their attachments, whose `content` is HTML and `name` alt text.

A post's photos share its content. The content warning (`summary`) is left alone; what `contentMap` repeats is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from unlearnable.datasets.export import Export
from unlearnable.datasets.text import html_text
from unlearnable.datasets.text.json_spans import Node, decode, members, object_in, rows_in, spans_of, speller, text_in
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import Span, TextSpan, is_blank
from unlearnable.datasets.types import Skipped

_MEDIA = "media_attachments/"
_ALL = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")


def _suits(text: str) -> bool:
    if '"orderedItems"' not in text:
        return False
    whole = decode(text).value
    posts = whole.get("orderedItems") if isinstance(whole, dict) else None
    return isinstance(posts, list) and any(isinstance(post, dict) and "object" in post for post in posts)


def _scan(text: str) -> Scan:
    posts = rows_in(text, decode(text), "orderedItems")
    found: list[CaptionRecord | Skipped] = []
    lists = [spans_of(posts)]
    for number, post in enumerate(posts):
        place, why = f"orderedItems[{number}]", _unusable(post.value)
        if why:
            found.append(Skipped(place, *why))
            continue
        note = object_in(text, post, "object") or post
        media = rows_in(text, note, "attachment")
        lists.append(spans_of(media))
        found += _records(text, place, note, media, post.span)
    return Scan(*told_apart(found), tuple(lists), speller(text), commas=True)


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
    media = note.get("attachment") if isinstance(note, dict) else None
    usable = isinstance(media, list) and any(isinstance(one, dict) and isinstance(one.get("url"), str) for one in media)
    return None if usable else ("no-photo", "a post without attachments")


def _is_message(post: dict[str, Any], note: dict[str, Any]) -> bool:
    """Return whether a post is neither for all nor for followers: for people whom it names, or for nobody."""
    given = [each.get(name) for each in (post, note) for name in ("to", "cc")]
    readers = [one for each in given for one in (each if isinstance(each, list) else [each]) if isinstance(one, str)]
    told = bool(readers) or any(isinstance(each.get("to"), list) for each in (post, note))
    return told and not any(reader in _ALL or reader.endswith("/followers") for reader in readers)


def _records(text: str, place: str, note: Node, media: list[Node], row: Span) -> Iterator[CaptionRecord]:
    contents = list(_contents(text, note))
    for number, one in enumerate(media):
        photo, alt = text_in(text, one, "url"), text_in(text, one, "name")
        if photo is not None:
            captions = (*contents[:1], *([alt] if alt else []))
            where = f"{place}.attachment[{number}]" if len(media) > 1 else place
            rows = (row, one.span)
            repeats = tuple((0, repeat) for repeat in contents[1:])
            yield CaptionRecord(where, _path(text, photo), captions, rows, repeats=repeats)


def _contents(text: str, note: Node) -> Iterator[TextSpan]:
    """Yield the places of a post's content: its own, then those in `contentMap` that say the same."""
    own = text_in(text, note, "content")
    words = html_text.read(own.value).text if own else ""
    if own is None or is_blank(words):
        return
    spell = html_text.speller(text)
    yield TextSpan(own.start, own.end, words, spell)
    by_language = object_in(text, note, "contentMap")
    for _, node in members(text, by_language.start) if by_language else ():
        if isinstance(node.value, str) and html_text.read(node.value).text == words:
            yield TextSpan(node.start, node.end, words, spell)


def _path(text: str, url: TextSpan) -> TextSpan:
    """Return the place of an attachment's path, which begins where the archive's own folders do."""
    at = max(url.value.find(_MEDIA), 0)
    path = url.value[at:].lstrip("/")
    before = url.value[: len(url.value) - len(path)]
    spell_json = speller(text)
    return TextSpan(url.start, url.end, path, lambda raw, _, new: spell_json(raw, json.loads(raw), before + new))


MASTODON = Export("mastodon", r"outbox.*\.json", _suits, _scan)
