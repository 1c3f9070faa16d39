"""The caption formats, in the order in which a source is tried."""

from typing import TYPE_CHECKING

from unlearnable.registry import Registry, Row

if TYPE_CHECKING:
    from unlearnable.posts.types import Format

_ROWS = {  # name -> member below `unlearnable.posts`, summary
    "imagefolder": ("readers.rows:IMAGEFOLDER", "Hugging Face's `metadata.jsonl` or `metadata.csv` with `file_name`."),
    "instagram": ("readers.exports:INSTAGRAM", "An unpacked Instagram export in JSON, with Threads."),
    "facebook": ("readers.exports:FACEBOOK", "An unpacked Facebook export in JSON: posts and albums."),
    "mastodon": (
        "readers.exports:MASTODON",
        "An unpacked Mastodon archive: posts of `outbox.json`, with alt texts.",
    ),
    "x": ("readers.exports:X", "An unpacked archive of X: the posts of `tweets.js` with photos, without reposts."),
    "takeout": (
        "readers.takeout:TAKEOUT",
        "Google Photos in a Takeout: the `description` beside each photo.",
    ),
    "sidecar": (
        "readers.photos:SIDECAR",
        "The lines of `a.txt` or `a.jpg.txt` are the captions of `a.jpg`.",
    ),
    "embedded": ("readers.photos:EMBEDDED", "Descriptions in the photos themselves, with `--captions embedded` alone."),
    "folder": ("readers.photos:FOLDER", "A folder of photos without captions."),
    "karpathy": ("readers.coco:KARPATHY", 'Karpathy\'s splits: `{"images": [{"filename", "sentences": [{"raw"}]}]}`.'),
    "coco": ("readers.coco:COCO", "COCO's captions: `images` and `annotations`, joined on the id."),
    "flickr": ("readers.rows:FLICKR", "Flickr8k and Flickr30k: `img.jpg#0<TAB>caption`, or Kaggle's `captions.txt`."),
    "people": (
        "faces:PEOPLE",
        'Faces: rows of `{"image", "person", "split"}` or a folder; invented names.',
    ),
    "jsonl": ("readers.rows:JSONL", 'Objects, one a line or in an array: `{"photo": "a.jpg", "caption": "a dog"}`.'),
    "table": ("readers.rows:TABLE", "Delimited text with a heading; the delimiter is TAB, comma, `;` or `|`."),
}

FORMATS: "Registry[Format]" = Registry(
    "format",
    {name: Row(f"unlearnable.posts.{member}", summary) for name, (member, summary) in _ROWS.items()},
    base="unlearnable.posts.types:Format",
)
