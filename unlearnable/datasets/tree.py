"""The photos in a folder, and the caption a photo gets from where it lies."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff"}
    | {".mpo", ".gif", ".bmp"}
)

# Names that cameras, phones and programs give: they say nothing about the picture.
_CAMERA_WORDS = frozenset(
    {"img", "imgs", "image", "images", "photo", "photos", "picture", "pictures", "pic", "pics", "jpg", "jpeg", "png"}
    | {"dsc", "dscn", "dscf", "dcim", "pxl", "mvimg", "pano", "gopr", "dji", "vid", "wa", "whatsapp", "heic"}
    | {"screenshot", "snapchat", "burst", "edited", "copy", "unnamed", "untitled"}
)


def is_photo(name: str) -> bool:
    """Whether a file's name ends as a photo's does."""
    return PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES


def find_photos(root: Path) -> list[str]:
    """The sorted ids of the photos in a folder and the folders in it.

    Hidden files and folders are passed over, and so are links to folders, which could go round in circles.

    Raises:
        InputError: there is none, or the folder cannot be read.
    """

    def stop(error: OSError) -> None:
        raise InputError(
            f"cannot read {error.filename}: {error.strerror}", hint="check the path and the rights"
        ) from error

    ids = []
    for folder, folders, names in os.walk(root, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        seen = (Path(folder, name) for name in names if is_photo(name) and not name.startswith("."))
        ids += [path.relative_to(root).as_posix() for path in seen if path.is_file()]  # a link may lead nowhere
    if not ids:
        suffixes = " ".join(sorted(suffix[1:] for suffix in PHOTO_SUFFIXES))
        raise InputError(f"no photo in {root}", hint=f"photos are files that end in one of: {suffixes}")
    return sorted(ids)


def template_caption(photo: str) -> str:
    """A caption for a photo that has none: "a photo of" the words in its id, or "a photo" where there are none."""
    place = PurePosixPath(unicodedata.normalize("NFC", photo)).with_suffix("")
    words = [word for word in re.split(r"[\W_]+", str(place)) if len(word) > 1 and word.isalpha()]
    told = dict.fromkeys(word for word in words if word.casefold() not in _CAMERA_WORDS)
    return f"a photo of {' '.join(told)}" if told else "a photo"
