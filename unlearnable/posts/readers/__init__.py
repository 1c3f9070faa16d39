"""The caption formats, one file each, in the order in which a source is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlearnable.registry import Registry, Row

if TYPE_CHECKING:
    from unlearnable.posts.types import Format


FORMATS: Registry[Format] = Registry(
    "format",
    {
        "imagefolder": Row(
            "unlearnable.posts.readers.tables:IMAGEFOLDER",
            "Hugging Face's imagefolder: `metadata.jsonl` or `metadata.csv` with a `file_name` and a column of "
            "captions.",
        ),
        "instagram": Row(
            "unlearnable.posts.readers.instagram:INSTAGRAM",
            "An Instagram export in JSON, unpacked: posts, carousels, reels, stories, Threads; `posts_1.json` and its "
            "neighbours.",
        ),
        "facebook": Row(
            "unlearnable.posts.readers.facebook:FACEBOOK",
            "A Facebook export in JSON, unpacked: posts and albums, in `your_posts_1.json` and its neighbours.",
        ),
        "mastodon": Row(
            "unlearnable.posts.readers.mastodon:MASTODON",
            "A Mastodon archive, unpacked: the posts of `outbox.json` and the alt texts of their photos.",
        ),
        "x": Row(
            "unlearnable.posts.readers.x:X",
            "An archive of X, unpacked: the posts of `tweets.js` with photos; what was reposted is left out.",
        ),
        "takeout": Row(
            "unlearnable.posts.readers.takeout:TAKEOUT",
            "Google Photos in a Takeout, unpacked: the `description` in the JSON beside each photo.",
        ),
        "sidecar": Row(
            "unlearnable.posts.readers.sidecar:SIDECAR",
            "Captions beside their photos: the lines of `a.txt`, `a.caption` or `a.jpg.txt` are the captions of "
            "`a.jpg`; `a.json` is left alone.",
        ),
        "embedded": Row(
            "unlearnable.posts.readers.photos:EMBEDDED",
            "Descriptions in the photos themselves (XMP, IPTC, EXIF, text of a PNG), with `--captions embedded` alone.",
        ),
        "folder": Row(
            "unlearnable.posts.readers.photos:FOLDER",
            "A folder of photos without captions.",
        ),
        "karpathy": Row(
            "unlearnable.posts.readers.coco:KARPATHY",
            'Karpathy\'s splits: `{"images": [{"filename", "sentences": [{"raw", "tokens"}]}]}`, as in '
            "`dataset_coco.json`.",
        ),
        "coco": Row(
            "unlearnable.posts.readers.coco:COCO",
            'COCO captions: `{"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}`, joined on '
            "the id.",
        ),
        "flickr": Row(
            "unlearnable.posts.readers.tables:FLICKR",
            "Flickr8k and Flickr30k: the token file's `img.jpg#0<TAB>caption`, or Kaggle's `captions.txt`, which is "
            "CSV.",
        ),
        "people": Row(
            "unlearnable.posts.faces:PEOPLE",
            'Faces, as JSON lines of `{"image", "person", "split"}` or in a folder; invented names, in captions from '
            "templates.",
        ),
        "jsonl": Row(
            "unlearnable.posts.readers.tables:JSONL",
            "Posts as JSON objects, one per line or all in one array, such as "
            '`{"image": "a.jpg", "caption": "a dog"}`.',
        ),
        "table": Row(
            "unlearnable.posts.readers.tables:TABLE",
            "Delimited text with a heading, such as open_clip's `filepath<TAB>title`. The delimiter is TAB, comma, "
            "`;` or `|`.",
        ),
    },
    base="unlearnable.posts.types:Format",
)
