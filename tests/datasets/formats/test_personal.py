"""Exports: what says where a photo was taken or who is in it is emptied and said; all else stays."""

from __future__ import annotations

import json

import pytest

from unlearnable.datasets import Edits, open_dataset, write_captions

FROM = "192.0.2.7"  # the address of the computer that a photo was sent from
EXIF = {"photo_metadata": {"exif_data": [{"iso": "100", "latitude": 47.3, "longitude": 8.5, "upload_ip": FROM}]}}
NO_EXIF = {"photo_metadata": {"exif_data": [{"iso": "100", "latitude": None, "longitude": None, "upload_ip": None}]}}
SPOT = {"latitude": 47.3, "longitude": 8.5, "altitude": 0.0}
OSXPHOTOS_PEOPLE = ("XMP:PersonInImage", "XMP:RegionName", "XMP:RegionPersonDisplayName")  # the last two of faces
NOWHERE = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}


def medium(name, metadata):
    return {"uri": f"media/{name}.jpg", "creation_timestamp": 1, "title": f"a dog {name}", "media_metadata": metadata}


def instagram(metadata):
    return {"content/posts_1.json": [{"media": [medium(name, metadata)]} for name in "ab"]}


def instagram_posts(filled):
    return instagram(EXIF if filled else NO_EXIF), {"latitude": 2, "longitude": 2, "upload_ip": 2}


def facebook_posts(filled):
    place = {"name": "Home", "coordinate": SPOT, "address": "Lane 1"} if filled else None

    def post(name):
        media = {**medium(name, EXIF if filled else NO_EXIF), "description": "a dog"}
        data = [{"media": media}, {"place": place}]
        return {"timestamp": 1, "data": [{"post": f"two dogs {name}"}], "attachments": [{"data": data}]}

    album = {"name": "x", "photos": [medium("a", {})], "cover_photo": medium("b", EXIF if filled else NO_EXIF)}
    files = {"posts/your_posts_1.json": [post("a"), post("b")], "posts/album/0.json": album}
    return files, {"latitude": 3, "longitude": 3, "place": 2, "upload_ip": 3}  # those of the cover too


def mastodon_posts(filled):
    def post(name):
        media = [{"type": "Document", "mediaType": "image/jpeg", "url": f"/media_attachments/{name}.jpg", "name": None}]
        location = {"type": "Place", "name": "Zurich", **SPOT} if filled else None
        note = {"type": "Note", "content": f"<p>a dog {name}</p>", "attachment": media, "location": location}
        return {"type": "Create", "object": note}

    return {"outbox.json": {"orderedItems": [post("a"), post("b")]}}, {"location": 2}


def x_posts(filled):
    def post(number, name):
        media = [{"media_url": f"http://pbs.twimg.com/media/{name}.jpg", "url": "https://t.co/x", "type": "photo"}]
        where = {"type": "Point", "coordinates": ["47.3", "8.5"]} if filled else None
        place = {"full_name": "Zurich", "country": "CH"} if filled else None
        words = {"id_str": str(number), "full_text": f"a dog {name} https://t.co/x"}
        return {
            "tweet": {
                **words,
                "geo": where,
                "coordinates": where,
                "place": place,
                "extended_entities": {"media": media},
            }
        }

    return {"data/tweets.js": [post(1, "a"), post(2, "b")]}, {"geo": 2, "coordinates": 2, "place": 2}


def takeout_files(filled):
    spot = SPOT if filled is True else None if filled is None else NOWHERE
    return {
        f"media/{name}.jpg.supplemental-metadata.json": {
            "title": f"{name}.jpg",
            "description": f"a dog {name}",
            "photoTakenTime": {"timestamp": "1"},
            "geoData": spot,
            "geoDataExif": spot,
            "people": [{"name": "Ann Lee"}] if filled is True else None if filled is None else [],
            "url": "https://photos.google.com/x",
        }
        for name in "ab"
    }, {"geoData": 2, "geoDataExif": 2, "people": 2}


def flickr_files(filled):
    geo = [{"latitude": "47.3", "longitude": "8.5", "accuracy": "16"}] if filled else None
    return {
        f"photo_{number}.json": {
            "id": str(number),
            "name": "",
            "description": f"a dog {number}",
            "geo": geo,
            "count": 3,
        }
        for number in (1, 2)
    }, {"geo": 2}


def osxphotos_files(filled):
    def value(text):
        return text if filled else None

    return {
        f"media/{name}.jpg.json": [
            {"SourceFile": f"{name}.jpg", "XMP:Description": f"a dog {name}", "EXIF:GPSLatitude": value("47.3")}
            | {"EXIF:GPSLongitude": value(8.5), "IPTC:City": value("Zurich"), "IPTC:Sub-location": value("Home")}
            | dict.fromkeys(OSXPHOTOS_PEOPLE, value(["Ann Lee"]))
        ]
        for name in "ab"
    }, dict.fromkeys(OSXPHOTOS_PEOPLE, 2) | {
        "EXIF:GPSLatitude": 2,
        "EXIF:GPSLongitude": 2,
        "IPTC:City": 2,
        "IPTC:Sub-location": 2,
    }


PHOTOS = {
    "instagram": (instagram_posts, "media/{}.jpg", "ab"),
    "facebook": (facebook_posts, "media/{}.jpg", "ab"),
    "mastodon": (mastodon_posts, "media_attachments/{}.jpg", "ab"),
    "x": (x_posts, "data/tweets_media/{}.jpg", ("1-a", "2-b")),
    "takeout": (takeout_files, "media/{}.jpg", "ab"),
    "flickr-export": (flickr_files, "media/x_{}_o.jpg", "12"),
    "osxphotos": (osxphotos_files, "media/{}.jpg", "ab"),
}


def lay_out(root, kind, filled):
    make, photo, names = PHOTOS[kind]
    for name in names:
        (root / photo.format(name)).parent.mkdir(parents=True, exist_ok=True)
        (root / photo.format(name)).write_bytes(b"x")
    for path, value in make(filled)[0].items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        prefix = "window.YTD.tweets.part0 = " if kind == "x" else ""
        (root / path).write_text(prefix + json.dumps(value, indent=1), encoding="utf-8")
    return root


def written(dataset, output, keep=(), gone=()):
    """Write a data set with captions as they are; the texts of its files."""
    paths = {photo.id: photo.id for photo in dataset.photos if photo.id not in gone}
    for path in paths.values():
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        (output / path).touch()
    write_captions(dataset, Edits({}, paths, frozenset(keep)), output)
    return {str(path.relative_to(output)): path.read_text() for path in output.rglob("*.js*")}


@pytest.mark.parametrize("kind", PHOTOS)
def test_no_place_and_nobody_is_written_and_each_is_said(kind, tmp_path):
    source = lay_out(tmp_path / "in", kind, True)
    dataset = open_dataset(source)
    assert dataset.format == kind
    emptied = [one.name for one in dataset.changed_fields if one.emptied]
    assert {name: emptied.count(name) for name in emptied} == PHOTOS[kind][0](True)[1]
    texts = written(dataset, tmp_path / "out")
    assert texts
    whole = "".join(texts.values())
    assert not any(part in whole for part in ("47.3", "8.5", "Zurich", "Home", "Lane", "Ann"))
    expected = PHOTOS[kind][0](None)[0]
    assert {path: json.loads(text.partition(" = ")[2] or text) for path, text in texts.items()} == expected


@pytest.mark.parametrize("kind", PHOTOS)
def test_fields_that_are_kept_stay_byte_for_byte(kind, tmp_path):
    source = lay_out(tmp_path / "in", kind, True)
    keep = {name.casefold() for name in PHOTOS[kind][0](True)[1]}
    texts = written(open_dataset(source), tmp_path / "out", keep)
    assert texts == {path: (source / path).read_text() for path in texts}


@pytest.mark.parametrize("kind", PHOTOS)
def test_places_that_are_none_stay_byte_for_byte(kind, tmp_path):
    source = lay_out(tmp_path / "in", kind, False)
    dataset = open_dataset(source)
    assert dataset.changed_fields == frozenset()
    texts = written(dataset, tmp_path / "out")
    assert texts == {path: (source / path).read_text() for path in texts}


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_post_that_is_left_out_takes_its_place_along(kind, tmp_path):
    dataset = open_dataset(lay_out(tmp_path / "in", kind, True))
    texts = written(dataset, tmp_path / "out", gone={dataset.photos[0].id})
    for text in texts.values():
        json.loads(text.partition(" = ")[2] or text)
        assert "47.3" not in text


def test_places_in_an_object_under_the_name_of_a_description_are_emptied(tmp_path):
    source = lay_out(tmp_path / "in", "instagram", False)
    path = source / "content/posts_1.json"
    posts = json.loads(path.read_text())
    posts[0]["media"][0]["media_metadata"] = {"description": {"language": "en", "spots": [{"location": SPOT}]}}
    path.write_text(json.dumps(posts))
    dataset = open_dataset(source)
    assert {(one.photo, one.name) for one in dataset.changed_fields} == {("media/a.jpg", "location")}
    (text,) = written(dataset, tmp_path / "out").values()
    posts[0]["media"][0]["media_metadata"]["description"]["spots"][0]["location"] = None
    assert json.loads(text) == posts
