"""Unpacked exports of Instagram (with Threads), Facebook, Mastodon and X. They are read, not written back.

Their posts lie in several files of JSON, anywhere below the folder. Instagram and Facebook write mojibake.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from unlearnable.errors import InputError
from unlearnable.posts.readers.caption_file import CaptionsFound, Entry, Lookup, Parsed, divided
from unlearnable.posts.text import is_blank, loads, read_document
from unlearnable.posts.tree import find_files, find_photos
from unlearnable.posts.types import Dataset, Edits, Skipped, assemble, first_of
from unlearnable.storage import files
from unlearnable.wording import json_row, storable

POSTS = "posts.jsonl"  # photo, caption and day of each post of an export, in the published folder


class _ExportFile(NamedTuple):
    path: Path
    value: Any
    holds_posts: bool
    fault: str  # why it cannot be read; empty if it can


@dataclass(frozen=True)
class Export:
    """A format of what a platform hands to its users: some of its files hold posts, and any other stays unread."""

    name: str  # of the registry row
    called: str  # pattern of the names of files with posts: platforms move them, but hardly rename them
    mark: str  # such a file holds this text
    suits: Callable[[Any], bool]  # whether a value of JSON is that of such a file
    entries: Callable[[Any], Iterator[Entry | Skipped]]  # value -> its entries, and posts without photos

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one, even a damaged one."""
        try:
            return any(one.holds_posts and (source.is_dir() or not one.fault) for one in self._files(source))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos of posts; a file that may hold posts and cannot be read is an error."""
        found, lookup = CaptionsFound(), Lookup(root, find_photos(root))
        seen = list(self._files(source))
        of_posts = [one for one in seen if one.holds_posts]
        folders = {one.path.parent for one in of_posts}
        if fault := next((one.fault for one in seen if one.fault and one.path.parent in folders), ""):
            raise InputError(fault, hint="unpack the export again, or take this file out of it to leave out its posts")
        for one in of_posts:
            shown = one.path.relative_to(source).as_posix() if source.is_dir() else one.path.name
            found.add(Parsed(*divided(self.entries(one.value))), lookup, one.path.parent, shown)
        if not found.splits:
            raise InputError(
                f"the captions in {source} name no photo below {root}{first_of(found.skipped)}",
                hint="unpack all parts of the export into one folder, and give that",
            )
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name)
        return replace(dataset, dates=found.dates, files=tuple(one.path for one in of_posts), exported=True)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write `posts.jsonl` into the folder `target`, with the posts whose photo stays."""
        write_posts(dataset, edits, target)

    def _files(self, source: Path) -> Iterator[_ExportFile]:
        """Yield the files that are called as those with posts, or the file itself under whatever name."""
        called = re.compile(self.called)
        if source.is_file():
            yield self._file(source)
        elif source.is_dir():
            names = find_files(source, lambda name: bool(called.fullmatch(name)))
            yield from (self._file(source / name) for name in names)

    def _file(self, path: Path) -> _ExportFile:
        try:
            text = read_document(path).text
        except InputError as error:
            return _ExportFile(path, None, False, error.message)
        is_marked = self.mark in text
        try:
            value = loads(text)
        except ValueError as error:
            return _ExportFile(path, None, is_marked, f"{path} is damaged or cut short: {error}")
        return _ExportFile(path, value, is_marked and self.suits(value), "")


def write_posts(dataset: Dataset, edits: Edits, target: Path) -> None:
    """Write photo, caption and day of each post whose photo stays, as JSON lines in the folder `target`."""
    rows = []
    for pair in dataset.pairs:
        if pair.photo in edits.paths and pair.record >= 0:
            caption = edits.captions.get((pair.record, pair.index), pair.caption)
            row = {"photo": edits.paths[pair.photo], "caption": caption}
            rows.append(row | ({"date": day} if (day := dataset.dates.get(pair.photo)) else {}))
    if rows:
        files.write_text(target / POSTS, "".join(map(json_row, rows)))


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects in the list that an object holds under a name; none if there is no such list."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def object_in(value: Any, name: str) -> dict[str, Any]:
    """Return the object that an object holds under a name; an empty one if there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def text_in(value: Any, name: str, meant: Callable[[str], str] = str) -> str:
    """Return the string that an object holds under a name, as it was meant; empty if it is blank or absent."""
    found = value.get(name) if isinstance(value, Mapping) else None
    text = meant(found) if isinstance(found, str) else ""
    return "" if is_blank(text) else storable(text)


def day_of(seconds: object) -> str:
    """Return the day of a time in seconds since 1970, in UTC; empty where it is none."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def undone(text: str) -> str:
    """Return the text that was meant where its UTF-8 bytes were taken for Latin-1, as Instagram and Facebook do."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _entry(place: str, photo: str, words: str, own: str, date: str) -> Entry:
    """Return the entry of a photo under the words of its post, at `place`, and its own, which may repeat them."""
    captions = tuple(dict.fromkeys(filter(None, (words, own))))
    return Entry(place, photo, captions, date=date, post=place if words else "")


# Instagram: `[{"media": [{"uri", "creation_timestamp", "title"}], "title"}]`, or an object that wraps such lists, or a
# post that is the only one: posts, reels, stories, archived posts and those of Threads. The caption of several photos
# in one post is the post's own `title`, that of a single one stands beside its `uri`.
_INSTAGRAM_LISTS = ("ig_", "text_post_app_text_posts")  # how names of lists of posts begin, the last of Threads


def _is_instagram(whole: Any) -> bool:
    return any(_instagram_media(post) for _, posts in _instagram_lists(whole) for post in posts)


def _instagram_media(post: Any) -> list[dict[str, Any]]:
    """Return the media of a post; none where it is something else."""
    media = objects(post, "media") if isinstance(post, dict) and "media" in post else [post]
    is_post = any(isinstance(one, dict) and one.get("uri") and "creation_timestamp" in one for one in media)
    return media if is_post else []


def _instagram_lists(whole: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of posts, with their place: the whole file, or those in an object that wraps them."""
    if isinstance(whole, list):
        yield "", whole
    elif _instagram_media(whole):
        yield "", [whole]
    elif isinstance(whole, dict):
        named = ((name, posts) for name, posts in whole.items() if name.startswith(_INSTAGRAM_LISTS))
        yield from ((name, posts) for name, posts in named if isinstance(posts, list))


def _instagram_entries(whole: Any) -> Iterator[Entry | Skipped]:
    for name, posts in _instagram_lists(whole):
        for number, post in enumerate(posts):
            place, media = f"{name}[{number}]", _instagram_media(post)
            if not media:
                yield Skipped(place, "no-photo", "no media with a uri")
            for one in media:
                title = text_in(post, "title", undone) if "media" in post else ""
                if photo := text_in(one, "uri", undone):
                    date = day_of(one.get("creation_timestamp", post.get("creation_timestamp")))
                    yield _entry(place, photo, title, text_in(one, "title", undone), date)


# Facebook: posts, `[{"timestamp", "data": [{"post"}], "attachments"}]`, where the text of a post belongs to all its
# photos, and albums, `{"name", "photos": [{"uri", "description"}]}`. Posts in groups are in an object, and a post that
# is the only one may stand there without a list. Newer posts are `{"label_values": [{"label", "value"}, {"label",
# "media": [{"uri"}]}]}` with labels in the language of the account: a text is taken only from a label that is known.
_FACEBOOK_FILES = (
    r"(your_posts.*|posts_on_other_pages_and_profiles|group_posts_and_comments.*"
    r"|your_uncategorized_photos|your_photos|\d+)\.json"  # albums last
)
_LABELS = "label_values"
_BELOW = (_LABELS, "media", "dict", "vec")  # lists in a post with labels, inside each other
_TEXT = frozenset(("message", "text", "caption", "nachricht", "mensaje", "messaggio", "mensagem", "bericht"))
_ALBUM = ("photos", "other_photos_v2")
_MENTION = re.compile(r"@\[\d+:\d*:([^\]]*)\]")  # `@[4000:2048:Ada Cox]`


def _is_facebook(whole: Any) -> bool:
    return any(_is_medium(one) for name in _ALBUM for one in objects(whole, name)) or any(
        "attachments" in post or any(_labelled_media(post)) for post in _facebook_posts(whole)
    )


def _facebook_posts(whole: Any) -> list[dict[str, Any]]:
    """Return the posts of a file: those of its list, be that in an object, or the object itself; none of an album."""
    if isinstance(whole, list):
        return [post for post in whole if isinstance(post, dict)]
    if isinstance(whole, dict) and ("attachments" in whole or objects(whole, _LABELS)):
        return [whole]
    return objects(whole, "group_posts_v2")


def _is_medium(value: Any) -> bool:
    return isinstance(value, dict) and {"uri", "creation_timestamp"} <= value.keys()


def _facebook_entries(whole: Any) -> Iterator[Entry | Skipped]:
    for name in _ALBUM:
        for number, photo in enumerate(objects(whole, name)):
            yield from _facebook_entry(f"{name}[{number}]", photo, "", "")
    for number, post in enumerate(_facebook_posts(whole)):
        place, date = f"[{number}]", day_of(post.get("timestamp"))
        if "attachments" not in post and objects(post, _LABELS):
            media, words = list(_labelled_media(post)), _labelled_words(post)
        else:
            rows = (row for attachment in objects(post, "attachments") for row in objects(attachment, "data"))
            media = [row["media"] for row in rows if _is_medium(row.get("media"))]
            words = next(filter(None, (_facebook_words(one, "post") for one in objects(post, "data"))), "")
        if not media:
            yield Skipped(place, "no-photo", "a post without media")
        elif words is None:
            detail = "which part is the text of the post is not known: its photos are taken without"
            yield Skipped(place, "unknown-part", detail)
        for medium in media:
            yield from _facebook_entry(place, medium, words or "", date)


def _labelled_words(post: dict[str, Any]) -> str | None:
    """Return the text of a post with labels, empty if there is none; None if it cannot be told."""
    texts = [one for one in objects(post, _LABELS) if text_in(one, "value") and "href" not in one]
    known = [one for one in texts if text_in(one, "label", undone).strip().casefold() in _TEXT]
    if len(known) == 1:
        return _facebook_words(known[0], "value")
    return None if texts else ""


def _labelled_media(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _BELOW:
        for part in objects(node, name):
            if name == "media" and text_in(part, "uri"):
                yield part
            else:
                yield from _labelled_media(part)


def _facebook_entry(place: str, medium: dict[str, Any], words: str, date: str) -> Iterator[Entry]:
    if photo := text_in(medium, "uri", undone):
        date = date or day_of(medium.get("creation_timestamp"))
        yield _entry(place, photo, words, _facebook_words(medium, "description"), date)


def _facebook_words(node: dict[str, Any], name: str) -> str:
    """Return the words that an object holds under a name, in which people who are mentioned stand by their names."""
    return text_in(node, name, lambda text: _MENTION.sub(r"\1", undone(text)))


# Mastodon: the posts of `outbox.json` with their attachments, whose `content` is HTML and `name` alt text. The content
# warning (`summary`) is left alone.
_MEDIA = "media_attachments/"
_ALL = ("https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public")
_BREAK = re.compile(r"<br\b[^<>]*>|</li>\s*<li\b[^<>]*>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</(?:p|ul|ol|blockquote)>\s*<(?:p|ul|ol|blockquote)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"""<!--.*?-->|</?[A-Za-z](?:"[^"]*"|'[^']*'|[^<>"'])*>""", re.DOTALL)


def _mastodon_entries(whole: Any) -> Iterator[Entry | Skipped]:
    for number, post in enumerate(whole["orderedItems"]):
        place, note = f"orderedItems[{number}]", object_in(post, "object")
        if why := _not_posted(post, note):
            yield Skipped(place, *why)
            continue
        content, date = text_in(note, "content", words_of_html), post.get("published") or note.get("published")
        for one in objects(note, "attachment"):
            if photo := text_in(one, "url"):  # it begins where the archive's own folders do
                path = photo[max(photo.find(_MEDIA), 0) :].lstrip("/")
                yield _entry(place, path, content, text_in(one, "name"), str(date or "")[:10])


def _not_posted(post: Any, note: dict[str, Any]) -> tuple[str, str] | None:
    """Return why a post has no photos of the user's, as reason and detail; None where it may have some."""
    kind = post.get("type") if isinstance(post, dict) else None
    if kind == "Announce":
        return "boost", "a post of somebody else"
    if kind == "Delete":
        return "deleted", "a post that was deleted"
    if kind == "Create" and note and _is_message(post, note):
        return "message", "a message to somebody"
    usable = kind == "Create" and any(isinstance(one.get("url"), str) for one in objects(note, "attachment"))
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


# X: `window.YTD.tweets.part0 = [{"tweet": {"id_str", "full_text", "extended_entities"}}]` in `tweets.js`. The caption
# is `full_text` without the link to the post's own media; a photo's file is `<id_str>-<name in its address>`.


def _is_x(whole: Any) -> bool:
    return isinstance(whole, list) and any("full_text" in (object_in(post, "tweet") or post) for post in whole)


def _x_entries(whole: Any) -> Iterator[Entry | Skipped]:
    for number, post in enumerate(whole):
        place, tweet = f"[{number}]", object_in(post, "tweet") or (post if isinstance(post, dict) else {})
        found = (objects(object_in(tweet, name), "media") for name in ("extended_entities", "entities"))
        media = next(filter(None, found), [])
        photos = [one for one in media if one.get("type", "photo") == "photo"]
        if str(tweet.get("full_text")).startswith("RT @"):
            yield Skipped(place, "boost", "a post of somebody else")
        elif not photos:
            why = ("not-a-photo", "a video") if media else ("no-photo", "a post without media")
            yield Skipped(place, *why)
        else:
            own, date = text_in(tweet, "id_str"), ""
            with suppress(ValueError):
                date = datetime.strptime(str(tweet.get("created_at")), "%a %b %d %H:%M:%S %z %Y").date().isoformat()
            words = _x_words(tweet, [text_in(one, "url") for one in media])
            for one in photos:
                if address := text_in(one, "media_url_https") or text_in(one, "media_url"):
                    yield _entry(place, f"{own}-" * bool(own) + address.rpartition("/")[2], words, "", date)


def _x_words(tweet: dict[str, Any], links: list[str]) -> str:
    """Return a post's words, which end before the link to its media; empty if there are none."""
    text = text_in(tweet, "full_text")
    if link := next((link for link in links if link and text.endswith(link)), ""):
        text = text.removesuffix(link).rstrip()
    return "" if is_blank(text) else html.unescape(text)


INSTAGRAM = Export(
    "instagram",
    r"(posts|reels|stories|archived_posts|profile_photos|other_content|threads_and_replies)(_\d+)?\.json",
    '"creation_timestamp"',
    _is_instagram,
    _instagram_entries,
)
FACEBOOK = Export("facebook", _FACEBOOK_FILES, '"uri"', _is_facebook, _facebook_entries)
MASTODON = Export(
    "mastodon",
    r"outbox.*\.json",
    '"orderedItems"',
    lambda whole: any("object" in post for post in objects(whole, "orderedItems")),
    _mastodon_entries,
)
X = Export("x", r"(tweets?|community-tweet)(-part\d+)?\.js", "window.YTD.", _is_x, _x_entries)
