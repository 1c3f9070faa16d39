"""Facebook's export: posts with several photos, repeated words, albums with a cover, and what is skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.posts.conftest import redone
from tests.posts.readers.exports import Look, lay_out, text
from unlearnable.posts import open_dataset

PLACES = ("posts", "your_activity_across_facebook/posts", "your_facebook_activity/posts")
NAMES = ("your_posts_1.json", "your_posts__check_ins__photos_and_videos_1.json")


def photo(folder: str, number: int) -> str:
    return f"{folder}/media/Timeline_1/{number}_n.{'heic' if number % 7 == 3 else 'jpg'}"


def medium(look: Look, name: str, description: str = "") -> dict[str, Any]:
    words = {"description": redone(look.caption(description))} if description else {}
    title = redone("Größe")  # the name of an album
    return {"uri": look.photo(name), "creation_timestamp": 1700, "title": title, **words, "n": 1.50}


def post(look: Look, words: str, *media: dict[str, Any]) -> dict[str, Any]:
    data = [{"post": redone(look.caption(words))}] if words else []
    attachments = [
        {"data": [{"media": one} for one in media]},
        {"data": [{"external_context": {"url": "https://a.b"}}]},
    ]
    return {
        "timestamp": 17,
        "attachments": attachments,
        "data": [*data, {"update_timestamp": 1e3}],
        "title": "Xé added",
    }


def made(look: Look, folder: str, name: str) -> dict[str, str]:
    """10 posts whose photo repeats their words, one of four photos, an album with a cover, photos of no album."""
    posts = [post(look, text(n), medium(look, photo(folder, n), text(n))) for n in range(10)]
    four = [medium(look, photo(folder, n), text(n) if n % 2 else "") for n in range(10, 14)]
    if look.complete:
        four[2:2] = [medium(look, f"{folder}/media/{n}.mp4") for n in range(2)]
        gone = [medium(look, f"{folder}/gone.jpg"), medium(look, "../../../../a.jpg")]
        posts += [{"timestamp": 1, "data": [{"post": "words alone"}], "title": "x"}, post(look, "x", *gone)]
    posts.append(post(look, text(10), *four))
    photos = [medium(look, photo(folder, n), text(n)) for n in range(14, 20)]
    cover = medium(look, photo(folder, 17), text(17))
    album = {
        "name": "Lake",
        "photos": photos,
        "cover_photo": cover,
        "last_modified_timestamp": 1,
        "description": "of us",
    }
    others = {"other_photos_v2": [medium(look, photo(folder, n), text(n) if n > 21 else "") for n in range(20, 24)]}
    values = {name: posts, "album/0.json": album, "your_uncategorized_photos.json": others}
    return {f"{folder}/{path}": json.dumps(value, indent=2) for path, value in values.items()}


def test_messages_are_no_posts(tmp_path: Path) -> None:
    photos = [{"uri": "a.jpg", "creation_timestamp": 1}]
    messages = json.dumps({"participants": [], "messages": [{"sender_name": "x", "photos": photos}]})
    lay_out(tmp_path, {"inbox/1.json": messages, "your_posts_1.json": "[{]"}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"


def labelled(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"timestamp": 17, "media": [], "label_values": list(entries), "fbid": "40", **more}


def test_labels_without_photos_are_no_posts_with_photos(tmp_path: Path) -> None:
    reaction = labelled({"label": "Reaction", "value": "Like"}, {"label": "uri", "value": "a.jpg"})
    two = labelled({"label": "Message", "value": "a"}, {"label": "Text", "value": "b"}, media=[{"uri": "b.jpg"}])
    lay_out(tmp_path, {"x/1.json": json.dumps([reaction]), "y/your_posts_1.json": json.dumps([two])}, "a.jpg", "b.jpg")
    assert open_dataset(tmp_path).uncaptioned == {"b.jpg"}  # two texts: neither is taken
