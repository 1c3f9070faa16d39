"""The names under which posts hold their photo, their caption and their split."""

from __future__ import annotations

from dataclasses import dataclass

SPLIT = "split"


@dataclass(frozen=True)
class Keys:
    """Names of fields, case-folded, the preferred one first: the first field that is not blank is used."""

    photo: tuple[str, ...]
    caption: tuple[str, ...]

    @property
    def all(self) -> frozenset[str]:
        """Every field that a reader looks at."""
        return frozenset((*self.photo, *self.caption, SPLIT))


POSTS = Keys(
    photo=(
        *("image", "file_name", "filepath", "path", "file", "img", "uri", "filename", "image_path", "image_name"),
        *("photo", "file name", "dateiname", "sourcefile"),
    ),
    caption=(
        *("caption", "captions", "text", "sentences", "description", "imagedescription", "caption-abstract"),
        *("beschreibung", "bildunterschrift", "prompt", "alt_text", "alt-text", "alt text", "alttext", "alt"),
        *("title", "comment"),  # often the name of the file, or of the program
    ),
)
