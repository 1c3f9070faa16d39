"""Instagram's export in JSON: `[{"media": [{"uri", "creation_timestamp", "title"}], "title"}]`, in mojibake.

Posts, reels, stories, archived posts and those of Threads, whichever folder they lie in; a list, an object that
wraps one, or a post that is the only one. The caption of several photos in one post stands in the post's own `title`,
that of a single one beside its `uri`, which is empty in Threads where there is no photo.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearnable.posts.caption_file import Entry
from unlearnable.posts.exports import Export, day_of, objects, text_in, undone
from unlearnable.posts.types import Skipped

_CALLED = r"(posts|reels|stories|archived_posts|profile_photos|other_content|threads_and_replies)(_\d+)?\.json"
_LISTS = ("ig_", "text_post_app_text_posts")  # how names of lists of posts begin, the last of Threads


def _suits(whole: Any) -> bool:
    return any(_is_post(post) for _, posts in _lists(whole) for post in posts)


def _is_post(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    media = entry.get("media", [entry])
    return isinstance(media, list) and any(
        isinstance(one, dict) and one.get("uri") and "creation_timestamp" in one for one in media
    )


def _lists(whole: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of posts, with their place: the whole file, or those in an object that wraps them."""
    if isinstance(whole, list):
        yield "", whole
    elif _is_post(whole):
        yield "", [whole]
    elif isinstance(whole, dict):
        for name, value in whole.items():
            if isinstance(value, list) and name.startswith(_LISTS):
                yield name, value


def _records(whole: Any, path: Path) -> Iterator[Entry | Skipped]:
    yield from _posts(whole)
    if isinstance(whole, dict) and not _is_post(whole):
        for name, value in whole.items():
            if value and not (isinstance(value, list) and name.startswith(_LISTS)):
                yield Skipped(name, "unknown-part", "not understood, and left out")


def _posts(whole: Any) -> Iterator[Entry | Skipped]:
    """Yield a record for each photo of a post, under the post's `title` and one of its own."""
    for name, posts in _lists(whole):
        for number, post in enumerate(posts):
            place = f"{name}[{number}]"
            if not _is_post(post):
                yield Skipped(place, "no-photo", "no media with a uri")
                continue
            media = objects(post, "media") if "media" in post else [post]
            title = text_in(post, "title", undone) if "media" in post else None
            for index, one in enumerate(media):
                photo, own = text_in(one, "uri", undone), text_in(one, "title", undone)
                if photo is not None:
                    where = f"{place}.media[{index}]" if len(media) > 1 else place
                    date = day_of(one.get("creation_timestamp", post.get("creation_timestamp")))
                    yield Entry(where, photo, tuple(filter(None, (title, own))), date=date)


INSTAGRAM = Export("instagram", _CALLED, ('"creation_timestamp"',), _suits, _records)
