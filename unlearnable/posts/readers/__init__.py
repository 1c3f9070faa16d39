"""The caption formats, in the order in which a source is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearnable.registry import Registry, Row

if TYPE_CHECKING:
    from unlearnable.posts.types import Format

_ROWS = {  # name -> member below `unlearnable.posts`, summary
    "imagefolder": (
        "readers.tables:IMAGEFOLDER",
        "Hugging Face's `metadata.jsonl` or `metadata.csv` with `file_name`.",
    ),
    "instagram": ("readers.instagram:INSTAGRAM", "An unpacked Instagram export in JSON, with Threads."),
    "facebook": ("readers.facebook:FACEBOOK", "An unpacked Facebook export in JSON: posts and albums."),
    "mastodon": (
        "readers.mastodon:MASTODON",
        "An unpacked Mastodon archive: posts of `outbox.json`, alt texts of photos.",
    ),
    "x": ("readers.x:X", "An unpacked archive of X: the posts of `tweets.js` with photos, without reposts."),
    "takeout": (
        "readers.takeout:TAKEOUT",
        "Google Photos in a Takeout: the `description` in the JSON beside each photo.",
    ),
    "sidecar": (
        "readers.sidecar:SIDECAR",
        "The lines of `a.txt`, `a.caption` or `a.jpg.txt` are the captions of `a.jpg`.",
    ),
    "embedded": ("readers.photos:EMBEDDED", "Descriptions in the photos themselves, with `--captions embedded` alone."),
    "folder": ("readers.photos:FOLDER", "A folder of photos without captions."),
    "karpathy": ("readers.coco:KARPATHY", 'Karpathy\'s splits: `{"images": [{"filename", "sentences": [{"raw"}]}]}`.'),
    "coco": ("readers.coco:COCO", "COCO's captions: `images` and `annotations`, joined on the id."),
    "flickr": ("readers.tables:FLICKR", "Flickr8k and Flickr30k: `img.jpg#0<TAB>caption`, or Kaggle's `captions.txt`."),
    "people": (
        "faces:PEOPLE",
        'Faces: rows of `{"image", "person", "split"}` or a folder; captions with invented names.',
    ),
    "jsonl": ("readers.tables:JSONL", 'Objects, one a line or in an array: `{"photo": "a.jpg", "caption": "a dog"}`.'),
    "table": ("readers.tables:TABLE", "Delimited text with a heading; the delimiter is TAB, comma, `;` or `|`."),
}

FORMATS: Registry[Format] = Registry(
    "format",
    {name: Row(f"unlearnable.posts.{member}", summary) for name, (member, summary) in _ROWS.items()},
    base="unlearnable.posts.types:Format",
)
