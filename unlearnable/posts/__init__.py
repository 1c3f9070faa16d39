"""Photos and captions on disk, read in any known format and written back in the same one."""

from __future__ import annotations

from unlearnable.posts.assembly import assemble, restrict
from unlearnable.posts.faces.naming import named_apart, named_as_told, people_of
from unlearnable.posts.faces.opening import open_people
from unlearnable.posts.faces.posts import hold_out, limit, named_posts
from unlearnable.posts.faces.types import People, Portrait
from unlearnable.posts.found_captions import (
    captions_of_others,
    find_captions,
    only_captions,
    refuse_unreadable,
    repeats_texts,
)
from unlearnable.posts.opening import EMBEDDED, NONE, is_word, open_dataset, read_written, write_captions
from unlearnable.posts.tree import is_photo
from unlearnable.posts.types import Dataset, Edits, Pair, Person, Photo, Skipped

__all__ = [
    "EMBEDDED",
    "NONE",
    "Dataset",
    "Edits",
    "Pair",
    "People",
    "Person",
    "Photo",
    "Portrait",
    "Skipped",
    "assemble",
    "captions_of_others",
    "find_captions",
    "hold_out",
    "is_photo",
    "is_word",
    "limit",
    "named_apart",
    "named_as_told",
    "named_posts",
    "only_captions",
    "open_dataset",
    "open_people",
    "people_of",
    "read_written",
    "refuse_unreadable",
    "repeats_texts",
    "restrict",
    "write_captions",
]
