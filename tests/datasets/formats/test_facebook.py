"""Facebook's export: posts with several photos, repeated words, albums with a cover, and what is skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import tree
from tests.datasets.formats.exports import ORIGINAL, Look, goes_round, lay_out, text
from unlearnable.datasets import Edits, open_dataset, write_captions
from unlearnable.datasets.lookup import Lookup
from unlearnable.datasets.text.mojibake import redone

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


@pytest.mark.parametrize("folder", PLACES)
@pytest.mark.parametrize("name", NAMES)
def test_all_but_captions_and_paths_stays(folder: str, name: str, tmp_path: Path) -> None:
    videos = [f"{folder}/media/{n}.mp4" for n in range(2)]
    others = [*(photo(folder, n) for n in range(24)), *videos, "messages/inbox/1.json", f"{folder}/comments.json"]
    dataset = goes_round(lambda look: made(look, folder, name), tmp_path, *others)
    assert (dataset.format, dataset.source) == ("facebook", None)
    captions = dataset.captions_by_photo()
    assert captions[photo(folder, 0)] == [text(0)]
    assert captions[photo(folder, 10)] == [text(10)]
    assert captions[photo(folder, 11)] == [text(10), text(11)]
    assert captions[photo(folder, 17)] == [text(17), text(17)]
    assert dataset.uncaptioned == {photo(folder, 20), photo(folder, 21)}
    assert [(skip.where.removeprefix(f"{folder}/"), skip.reason) for skip in dataset.skipped] == [
        (f"{name}:[10]", "no-photo"),
        (f"{name}:[11]", "missing-photo"),
        (f"{name}:[11]", "outside-folder"),
        (f"{name}:[12]", "not-a-photo"),
        (f"{name}:[12]", "not-a-photo"),
        ("your_uncategorized_photos.json:other_photos_v2[0]", "no-caption"),
        ("your_uncategorized_photos.json:other_photos_v2[1]", "no-caption"),
    ]


def test_a_cover_that_is_not_published_is_not_in_its_album_either(tmp_path: Path) -> None:
    rows = {name: {"uri": name, "creation_timestamp": 1, "description": f"of {name}"} for name in ("a.jpg", "b.jpg")}
    album = {"name": "Lake", "photos": [*rows.values()], "cover_photo": rows["a.jpg"], "description": "of us"}
    lay_out(tmp_path, {"album/0.json": json.dumps(album)}, *rows)
    write_captions(open_dataset(tmp_path), Edits({}, {"b.jpg": "b.jpg"}), tmp_path / "out")
    written = json.loads((tmp_path / "out" / "album" / "0.json").read_text())
    assert written == {"name": "Lake", "photos": [rows["b.jpg"]], "description": "of us"}


def test_a_file_of_which_no_post_stays_is_not_written(tmp_path: Path) -> None:
    row = {"creation_timestamp": 1, "description": "a dog"}
    albums = {f"album/{n}.json": json.dumps({"name": "Lake", "photos": [{"uri": f"{n}.jpg", **row}]}) for n in range(2)}
    lay_out(tmp_path, albums, "0.jpg", "1.jpg")
    write_captions(open_dataset(tmp_path), Edits({}, {"1.jpg": "1.jpg"}), tmp_path / "out")
    assert list(tree(tmp_path / "out")) == ["album/1.json"]


def test_messages_are_no_posts(tmp_path: Path) -> None:
    photos = [{"uri": "a.jpg", "creation_timestamp": 1}]
    messages = json.dumps({"participants": [], "messages": [{"sender_name": "x", "photos": photos}]})
    lay_out(tmp_path, {"inbox/1.json": messages, "your_posts_1.json": "[{]"}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"


def test_the_photos_are_indexed_once_for_all_albums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"creation_timestamp": 1, "description": "a dog"}
    albums = {f"album/{n}.json": json.dumps({"photos": [{"uri": f"{n}.jpg", **row}]}) for n in range(20)}
    lay_out(tmp_path / "in", albums, *(f"{n}.jpg" for n in range(20)))
    index, indexed = Lookup.__init__, []

    def counted(self: Lookup, *arguments: Any) -> None:
        indexed.append(self)
        index(self, *arguments)

    monkeypatch.setattr(Lookup, "__init__", counted)
    dataset = open_dataset(tmp_path / "in")
    write_captions(dataset, Edits({}, {photo.id: photo.id for photo in dataset.photos}), tmp_path / "out")
    assert list(tree(tmp_path / "out")) == sorted(albums)
    assert len(indexed) == 5  # to read, and by the old and the new paths to look for repeats and to write


def labelled(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"timestamp": 17, "media": [], "label_values": list(entries), "fbid": "40", **more}


def test_newer_posts_have_their_words_and_photos_under_labels(tmp_path: Path) -> None:
    """What else such a post says, in whatever language, may be a place or a friend: it is left out."""
    photos = [f"posts/media/{n}.jpg" for n in range(5)]
    rows = [{"uri": name, "creation_timestamp": 1} for name in photos]
    text, friend = {"label": "Message", "value": redone("größe am See")}, {"label": "Target", "value": "Ada L."}
    inner = {"title": "Attachments", "dict": [{"title": "", "dict": [{"label": "Media", "media": [rows[2]]}, friend]}]}
    media = {"label": "Media", "media": rows[:2]}
    posts = [
        labelled(friend, text, {"label": "Place", "value": "Paris"}, media, inner),
        labelled({"label": "Nachricht", "value": "ein Hund"}, media=[{**rows[3], "description": "a dog"}]),
        labelled(
            {"label": "Viesti", "value": "koira"}, friend, {"label": "URL", "value": "x", "href": "x"}, media=rows[4:]
        ),
        labelled(text, friend),
    ]
    lay_out(tmp_path, {"posts/posts_on_other_pages_and_profiles.json": json.dumps(posts)}, *photos)
    dataset = open_dataset(tmp_path)
    captions = dataset.captions_by_photo()
    assert (dataset.format, captions[photos[2]], captions[photos[3]]) == (
        "facebook",
        ["größe am See"],
        ["ein Hund", "a dog"],
    )
    assert dataset.uncaptioned == {photos[4]}
    assert [(skip.where.rpartition(":")[2], skip.reason) for skip in dataset.skipped] == [
        ("[2]", "unknown-part"),
        ("[3]", "no-photo"),
        ("[2]", "no-caption"),
    ]
    assert "which of Viesti, Target is the text" in dataset.skipped[0].detail

    write_captions(
        dataset, Edits({(0, 0): "grün"}, {name: name for name in (photos[0], *photos[2:])}), tmp_path / "out"
    )
    written = json.loads((tmp_path / "out/posts/posts_on_other_pages_and_profiles.json").read_text())
    first = labelled({**text, "value": redone("grün")}, {"label": "Media", "media": rows[:1]})
    inner["dict"] = [{"title": "", "dict": [{"label": "Media", "media": [rows[2]]}]}]
    first["label_values"].append(inner)
    assert written == [first, posts[1], labelled(media=rows[4:])]


def test_labels_without_photos_are_no_posts_with_photos(tmp_path: Path) -> None:
    reaction = labelled({"label": "Reaction", "value": "Like"}, {"label": "uri", "value": "a.jpg"})
    two = labelled({"label": "Message", "value": "a"}, {"label": "Text", "value": "b"}, media=[{"uri": "b.jpg"}])
    lay_out(tmp_path, {"x/1.json": json.dumps([reaction]), "y/your_posts_1.json": json.dumps([two])}, "a.jpg", "b.jpg")
    assert open_dataset(tmp_path).uncaptioned == {"b.jpg"}  # two texts: neither is taken


def test_people_who_are_mentioned_stand_in_captions_by_their_names(tmp_path: Path) -> None:
    words = "größe mit @[4000:2048:Zoë Cox] und @[5:2048:Ben]!"
    texts = {"your_posts_1.json": [post(ORIGINAL, words, {"uri": "a.jpg", "creation_timestamp": 1})]}
    lay_out(tmp_path, {name: json.dumps(value) for name, value in texts.items()}, "a.jpg")
    dataset = open_dataset(tmp_path)
    assert dataset.captions_by_photo() == {"a.jpg": ["größe mit Zoë Cox und Ben!"]}
    write_captions(dataset, Edits({(0, 0): "rot, größe mit Zoë Cox und Ben!"}, {"a.jpg": "a.jpg"}), tmp_path / "out")
    (written,) = json.loads((tmp_path / "out" / "your_posts_1.json").read_text())
    assert written["data"][0] == {"post": redone("rot, größe mit Zoë Cox und Ben!")}


def test_posts_in_groups_are_read_and_comments_beside_them_left_out(tmp_path: Path) -> None:
    posts = [post(ORIGINAL, f"größe {name}", {"uri": name, "creation_timestamp": 1}) for name in ("a.jpg", "b.jpg")]
    comment = {"data": [{"comment": {"comment": "of Bob's", "author": "Ada"}}], "title": "Ada commented on Bob's post."}
    whole = {"group_posts_v2": posts, "group_comments_v2": [comment]}
    name = "groups/group_posts_and_comments.json"
    lay_out(tmp_path, {name: json.dumps(whole)}, "a.jpg", "b.jpg")
    dataset = open_dataset(tmp_path)
    assert dataset.captions_by_photo() == {"a.jpg": ["größe a.jpg"], "b.jpg": ["größe b.jpg"]}
    write_captions(dataset, Edits({(1, 0): "rot"}, {"b.jpg": "b.jpg"}), tmp_path / "out")
    posts[1]["data"][0] = {"post": "rot"}
    assert json.loads((tmp_path / "out" / name).read_text()) == {"group_posts_v2": posts[1:]}


@pytest.mark.parametrize("kept", [("a.jpg", "b.jpg"), ("b.jpg",), ()])
def test_a_post_that_is_the_only_one_need_not_be_in_a_list(kept: tuple[str, ...], tmp_path: Path) -> None:
    only = post(ORIGINAL, "größe", *({"uri": name, "creation_timestamp": 1} for name in ("a.jpg", "b.jpg")))
    album = {"photos": [{"uri": "c.jpg", "creation_timestamp": 1}]}
    texts = {"posts/your_posts_1.json": json.dumps(only), "posts/album/0.json": json.dumps(album)}
    lay_out(tmp_path, texts, "a.jpg", "b.jpg", "c.jpg")
    dataset = open_dataset(tmp_path)
    assert dataset.captions_by_photo()["b.jpg"] == ["größe"]
    write_captions(dataset, Edits({(1, 0): "rot"}, {name: name for name in (*kept, "c.jpg")}), tmp_path / "out")
    written = tree(tmp_path / "out").get("posts/your_posts_1.json")
    rows = [{"media": {"uri": name, "creation_timestamp": 1}} for name in kept]
    expected = {**only, "attachments": [{"data": rows}, only["attachments"][1]]}
    expected["data"] = [{"post": "rot"}, *only["data"][1:]]
    assert (json.loads(written) if written else None) == (expected if kept else None)


def test_a_post_with_labels_that_is_the_only_one_need_not_be_in_a_list(tmp_path: Path) -> None:
    media = {"label": "Media", "media": [{"uri": "a.jpg"}]}
    only = labelled({"label": "Message", "value": "am See"}, media)
    lay_out(tmp_path, {"posts/your_posts_1.json": json.dumps(only)}, "a.jpg")
    dataset = open_dataset(tmp_path)
    assert dataset.captions_by_photo() == {"a.jpg": ["am See"]}
    write_captions(dataset, Edits({}, {"a.jpg": "a.jpg"}), tmp_path / "out")
    assert json.loads((tmp_path / "out/posts/your_posts_1.json").read_text()) == only
