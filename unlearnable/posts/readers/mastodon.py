"""Mastodon's archive: the posts of `outbox.json` with their attachments, whose `content` is HTML and `name` alt text.

A post's photos share its content. The content warning (`summary`) is left alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearnable.posts.caption_file import Entry, Text
from unlearnable.posts.exports import Export, objects, text_in
from unlearnable.posts.types import Skipped

_MEDIA = "media_attachments/"
_ALL = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")
_BREAK = re.compile(r"<br\b[^<>]*>|</li>\s*<li\b[^<>]*>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</(?:p|ul|ol|blockquote)>\s*<(?:p|ul|ol|blockquote)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"""<!--.*?-->|</?[A-Za-z](?:"[^"]*"|'[^']*'|[^<>"'])*>""", re.DOTALL)


def _suits(whole: Any) -> bool:
    return any("object" in post for post in objects(whole, "orderedItems"))


def _records(whole: Any, path: Path) -> Iterator[Entry | Skipped]:
    for number, post in enumerate(whole["orderedItems"]):
        place, why = f"orderedItems[{number}]", _unusable(post)
        if why:
            yield Skipped(place, *why)
            continue
        note, media = post["object"], objects(post["object"], "attachment")
        content, date = text_in(note, "content", words_of_html), post.get("published") or note.get("published")
        for index, one in enumerate(media):
            photo, alt = text_in(one, "url"), text_in(one, "name")
            if photo is not None:
                where = f"{place}.attachment[{index}]" if len(media) > 1 else place
                # It begins where the archive's own folders do.
                path_in = photo.value[max(photo.value.find(_MEDIA), 0) :].lstrip("/")
                captions = tuple(filter(None, (content, alt)))
                yield Entry(where, Text(path_in), captions, date=str(date or "")[:10])


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


def words_of_html(source: str) -> str:
    """Return the text of a piece of HTML: `<br>` and a new item are a line break, a new paragraph two."""
    text = _BREAK.sub("\n", _PARAGRAPH.sub("\n\n", source))
    return html.unescape(_TAG.sub("", text)).strip()


MASTODON = Export("mastodon", r"outbox.*\.json", ('"orderedItems"',), _suits, _records)
