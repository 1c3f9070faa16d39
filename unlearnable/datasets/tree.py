"""The photos in a folder, and a caption made from the path of a photo."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff"}
    | {".mpo", ".gif", ".bmp"}
)

# Words in the names that cameras, phones and programs give: they say nothing about the picture.
_CAMERA_WORDS = frozenset(
    {"img", "imgs", "image", "images", "photo", "photos", "picture", "pictures", "pic", "pics", "jpg", "jpeg", "png"}
    | {"dsc", "dscn", "dscf", "dcim", "pxl", "mvimg", "pano", "gopr", "dji", "vid", "wa", "whatsapp", "heic"}
    | {"screenshot", "snapchat", "burst", "edited", "copy", "unnamed", "untitled"}
)


def is_photo(name: str) -> bool:
    """Return whether a file's name has a photo's suffix."""
    return PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES


def find_photos(root: Path) -> list[str]:
    """Return the sorted ids of the photos in a folder and its sub-folders.

    Raises:
        InputError: there is no photo, or the folder cannot be read.
    """
    ids = find_files(root, is_photo)
    if not ids:
        suffixes = " ".join(sorted(suffix[1:] for suffix in PHOTO_SUFFIXES))
        raise InputError(f"no photo in {root}", hint=f"photos are files with one of these suffixes: {suffixes}")
    return ids


def find_files(root: Path, wanted: Callable[[str], bool]) -> list[str]:
    """Return the sorted POSIX paths, from `root`, of the files in a folder and its sub-folders whose name is wanted.

    Hidden files and folders are left out, and so are links to folders, which could lead in circles.

    Raises:
        InputError: the folder cannot be read.
    """

    def stop(error: OSError) -> None:
        raise InputError(
            f"cannot read {error.filename}: {error.strerror}", hint="check the path and the file permissions"
        ) from error

    found = []
    for folder, folders, names in os.walk(root, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(folder, name) for name in names if wanted(name) and not name.startswith("."))
        found += [path.relative_to(root).as_posix() for path in paths if path.is_file()]  # a link may lead nowhere
    return sorted(found)


def unread_links(root: Path) -> dict[str, str]:
    """Return why some links are not read, by their sorted POSIX paths from `root`; hidden ones are left out.

    They are links to folders, which are not followed, and those called as photos that lead nowhere.
    """
    found: dict[str, str] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [Path(folder, name) for name in folders if Path(folder, name).is_symlink()]
        called = [Path(folder, name) for name in names if is_photo(name) and not name.startswith(".")]
        broken = [path for path in called if path.is_symlink() and not path.is_file()]
        found |= {path.relative_to(root).as_posix(): "a linked folder, which is not followed" for path in linked}
        found |= {path.relative_to(root).as_posix(): "a link that leads nowhere" for path in broken}
    return dict(sorted(found.items()))


def template_caption(photo: str) -> str:
    """Return a caption for a photo that has none: "a photo of" the words in its id, or "a photo" if it has no words."""
    telling = telling_words(str(PurePosixPath(photo).with_suffix("")))
    return f"a photo of {' '.join(telling)}" if telling else "a photo"


def telling_words(name: str) -> list[str]:
    """Return the words in a name, each once, without those that cameras, phones and programs give."""
    words = [
        word for word in re.split(r"[\W_]+", unicodedata.normalize("NFC", name)) if len(word) > 1 and word.isalpha()
    ]
    return list(dict.fromkeys(word for word in words if word.casefold() not in _CAMERA_WORDS))
