"""Facebook's export in JSON, in mojibake: posts, `[{"timestamp", "data": [{"post"}], "attachments"}]`, and albums.

The text of a post belongs to all its photos, and each photo may have a `description` of its own. An album is
`{"name", "photos": [{"uri", "description"}]}`; `your_uncategorized_photos.json` has `other_photos_v2` for `photos`.
Posts in groups are in an object, as `group_posts_v2`; a post that is the only one may stand there without a list.

Newer posts are `{"label_values": [{"label", "value"}, {"label", "media": [{"uri"}]}], "media"}`. Labels are in the
language of the account, so that a text is taken only from a label that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearnable.posts.caption_file import Entry, Text
from unlearnable.posts.exports import Export, day_of, object_in, objects, text_in, undone
from unlearnable.posts.types import Skipped

_CALLED = (
    r"(your_posts.*|posts_on_other_pages_and_profiles|group_posts_and_comments.*"
    r"|your_uncategorized_photos|your_photos|\d+)\.json"  # albums last
)
_GROUP = "group_posts_v2"
_LABELS = "label_values"
_BELOW = (_LABELS, "media", "dict", "vec")  # lists in a post with labels, inside each other
_TEXT = frozenset(("message", "text", "caption", "nachricht", "mensaje", "messaggio", "mensagem", "bericht"))
_ALBUM = ("photos", "other_photos_v2")
_MENTION = re.compile(r"@\[\d+:\d*:([^\]]*)\]")  # `@[4000:2048:Ada Cox]`


def _suits(whole: Any) -> bool:
    return any(_is_medium(one) for name in _ALBUM for one in objects(whole, name)) or any(
        "attachments" in post or any(_labelled_media(post)) for post in _posts(whole)
    )


def _posts(whole: Any) -> list[dict[str, Any]]:
    """Return the posts of a file: those of its list, be that in an object, or the object itself; none of an album."""
    if isinstance(whole, list):
        return [post for post in whole if isinstance(post, dict)]
    if isinstance(whole, dict) and ("attachments" in whole or objects(whole, _LABELS)):
        return [whole]
    return objects(whole, _GROUP)


def _is_medium(value: Any) -> bool:
    return isinstance(value, dict) and {"uri", "creation_timestamp"} <= value.keys()


def _records(whole: Any, path: Path) -> Iterator[Entry | Skipped]:
    posts = _posts(whole)
    if isinstance(whole, dict) and not posts:
        yield from _album(whole)
    group = _GROUP if isinstance(whole, dict) and _GROUP in whole else ""
    for number, post in enumerate(posts):
        place, date = f"{group}[{number}]", day_of(post.get("timestamp"))
        if "attachments" not in post and objects(post, _LABELS):
            media, words = list(_labelled_media(post)), _labelled_words(post)
        else:
            rows = (row for attachment in objects(post, "attachments") for row in objects(attachment, "data"))
            media = [row["media"] for row in rows if _is_medium(row.get("media"))]
            words = next((found for one in objects(post, "data") if (found := _words(one, "post"))), None)
        if not media:
            yield Skipped(place, "no-photo", "a post without media")
        elif isinstance(words, Skipped):
            yield Skipped(place, words.reason, words.detail)
        for medium in media:
            yield from _record(place, medium, words if isinstance(words, Text) else None, date)


def _labelled_words(post: dict[str, Any]) -> Text | Skipped | None:
    """Return the text of a post with labels, or why it cannot be told."""
    texts = [one for one in objects(post, _LABELS) if text_in(one, "value") and "href" not in one]
    labels = [label.value if (label := text_in(one, "label", undone)) else "" for one in texts]
    known = [one for one, label in zip(texts, labels, strict=True) if label.strip().casefold() in _TEXT]
    if len(known) == 1:
        return _words(known[0], "value")
    which = f"which of {', '.join(labels)} is the text of the post is not known"
    return Skipped("", "unknown-part", f"{which}: its photos are taken without") if texts else None


def _labelled_media(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _BELOW:
        for part in objects(node, name):
            if name == "media" and text_in(part, "uri"):
                yield part
            else:
                yield from _labelled_media(part)


def _album(album: dict[str, Any]) -> Iterator[Entry]:
    """Yield the photos of an album, and its cover, which is one of them."""
    for name in _ALBUM:
        for number, photo in enumerate(objects(album, name)):
            yield from _record(f"{name}[{number}]", photo, None, "")
    if _is_medium(cover := object_in(album, "cover_photo")):
        yield from _record("cover_photo", cover, None, "")


def _record(place: str, medium: dict[str, Any], words: Text | None, date: str) -> Iterator[Entry]:
    """Yield the record of a photo under the words of its post and its description, which often repeats them."""
    photo, own = text_in(medium, "uri", undone), _words(medium, "description")
    if photo is not None:
        if words and own and words.value == own.value:
            own = None
        date = date or day_of(medium.get("creation_timestamp"))
        yield Entry(place, photo, tuple(filter(None, (words, own))), date=date)


def _words(node: dict[str, Any], name: str) -> Text | None:
    """Return the words that an object holds under a name, in which people who are mentioned stand by their names."""
    return text_in(node, name, lambda text: _MENTION.sub(r"\1", undone(text)))


FACEBOOK = Export("facebook", _CALLED, ('"uri"',), _suits, _records)
