"""Photos and captions on disk, read in any known format and written back in the same one."""

from unlearnable.posts.faces import hold_out, limit, named_apart, named_as_told, named_posts, open_people, people_of
from unlearnable.posts.opening import *
from unlearnable.posts.readers import FORMATS
from unlearnable.posts.readers.exports import POSTS
from unlearnable.posts.readers.photos import SUFFIXES, text_beside
from unlearnable.posts.tree import is_photo
from unlearnable.posts.types import *

__all__ = [
    "EMBEDDED",
    "FORMATS",
    "HELD_OUT",
    "NONE",
    "NO_RECORD",
    "POSTS",
    "SUFFIXES",
    "Dataset",
    "Edits",
    "Pair",
    "Person",
    "Photo",
    "Skipped",
    "find_captions",
    "hold_out",
    "is_photo",
    "is_word",
    "limit",
    "named_apart",
    "named_as_told",
    "named_posts",
    "only_captions",
    "open_chosen",
    "open_dataset",
    "open_people",
    "people_of",
    "read_written",
    "refuse_unreadable",
    "restrict",
    "split",
    "text_beside",
    "unused",
    "write_captions",
]
