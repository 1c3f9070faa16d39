"""Photos and captions on disk, read in any known format and written back in the same one."""

from __future__ import annotations

from unlearnable.datasets.assembly import assemble, restrict
from unlearnable.datasets.faces.naming import named_apart, named_as_told, people_of
from unlearnable.datasets.faces.opening import open_people
from unlearnable.datasets.faces.posts import hold_out, limit, named_posts
from unlearnable.datasets.faces.types import People, Portrait
from unlearnable.datasets.found_captions import (
    captions_of_others,
    find_captions,
    only_captions,
    refuse_unreadable,
    repeats_texts,
)
from unlearnable.datasets.opening import EMBEDDED, NONE, columns_of, is_word, open_dataset, read_written, write_captions
from unlearnable.datasets.tree import is_photo
from unlearnable.datasets.types import Columns, Dataset, Edits, Pair, Person, Photo, Skipped

__all__ = [
    "EMBEDDED",
    "NONE",
    "Columns",
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
    "columns_of",
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
