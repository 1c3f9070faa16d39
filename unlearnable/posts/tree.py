"""The photos in a folder, and the words in a name that say something of a photo."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.types import Skipped
from unlearnable.storage import files
from unlearnable.wording import first_and_more

_IN_CLOUD = ".icloud"
UNREADABLE = "unreadable"
WITHHELD = "withheld"  # reason of what its own text or folder says is not to be published
_DELETED = "it holds what was deleted; give this folder itself to protect it"
_KEPT_APART = {  # folders of Windows, Synology, QNAP and iCloud's export, in lower case
    "$recycle.bin": _DELETED,
    "recently deleted": _DELETED,
    "#recycle": _DELETED,
    "@recycle": _DELETED,
    "@eadir": "small copies of photos that a Synology NAS makes for itself",
}
PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff"}
    | {".mpo", ".gif", ".bmp"}
)

# Words in the names that cameras, phones and programs give: they say nothing about the picture.
_CAMERA_WORDS = frozenset(
    {"img", "imgs", "image", "images", "photo", "photos", "picture", "pictures", "pic", "pics", "jpg", "jpeg", "png"}
    | {"dsc", "dscn", "dscf", "dcim", "pxl", "mvimg", "pano", "gopr", "dji", "vid", "wa", "whatsapp", "heic"}
    | {"screenshot", "screen", "shot", "bildschirmfoto", "snapchat", "signal", "telegram", "fb", "received"}
    | {"burst", "edited", "copy", "utc", "unnamed", "untitled", "thumb", "media", "album", "albums", "video", "videos"}
)
_ALONE = frozenset(  # words that tell something only beside others
    {"at", "on", "um", "am", "pm", "and"}  # "Screenshot 2026-01-02 at 10.11.12 PM", "photos_and_videos"
    | {"camera", "roll", "screenshots", "recents", "restored", "sent", "download", "downloads"}  # folders of phones
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
    if not ids and (packed := find_files(root, lambda name: name.lower().endswith(".zip"))):
        raise InputError(
            f"no photo in {root}, which holds {first_and_more(packed, 'ZIP file')}",
            hint="unpack it; of an export all parts, into one folder or side by side",
        )
    if not ids:
        suffixes = " ".join(sorted(suffix[1:] for suffix in PHOTO_SUFFIXES))
        away = "".join(f"; {one.where}: {one.detail}" for one in [*unreadable(root), *not_here(root)][:1])
        raise InputError(f"no photo in {root}{away}", hint=f"photos are files with one of these suffixes: {suffixes}")
    return ids


def find_files(root: Path, wanted: Callable[[str], bool]) -> list[str]:
    """Return the sorted POSIX paths, from `root`, of the files in a folder and its sub-folders whose name is wanted.

    Hidden files and folders are left out, and so are links to folders, which could lead in circles, folders that a
    system keeps for itself (`not_here`) and sub-folders that this user may not look into (`unreadable`).

    Raises:
        InputError: the folder itself cannot be read.
    """
    found = []
    for folder, _, names in walk(root):
        paths = (folder / name for name in names if wanted(name))
        found += [path.relative_to(root).as_posix() for path in paths if files.is_file(path)]  # not a dead link
    return sorted(found)


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder from `root` down that this user may look into, with the names of its folders and of its files.

    Hidden folders are left out, and so are hidden files but for those of iCloud.

    Raises:
        InputError: the folder itself cannot be read, or the disk fails.
    """

    def stop(error: OSError) -> None:
        raise InputError(
            f"cannot read {error.filename}: {error.strerror}", hint="check the path and the file permissions"
        ) from error

    for folder, folders, names in os.walk(root, onerror=stop):
        shown = [name for name in folders if not name.startswith(".")]
        folders[:] = [name for name in shown if name.lower() not in _KEPT_APART and _is_open(Path(folder, name))]
        yield Path(folder), shown, [name for name in names if not name.startswith(".") or _is_away(name)]


def unreadable(root: Path) -> list[Skipped]:
    """Return what stands for the sub-folders that this user may not look into, sorted by path."""
    folders = [folder / name for folder, folders, _ in walk(root) for name in folders]
    return [
        Skipped(path.relative_to(root).as_posix(), UNREADABLE, "a folder that you may not look into")
        for path in sorted(folders)
        if not path.is_symlink() and path.name.lower() not in _KEPT_APART and not _is_open(path)
    ]


def _is_open(folder: Path) -> bool:
    """Return whether this user may look into a folder: at the names in it and at what they stand for."""
    try:
        os.scandir(folder).close()
    except PermissionError:
        return False
    except OSError:  # whoever reads it says so
        return True
    return os.access(folder, os.X_OK)


def not_here(root: Path) -> list[Skipped]:
    """Return what stands for photos that are not read, sorted by path; what is hidden otherwise is left out.

    These are links to folders, which are not followed, links, pipes and the like that are called as photos, what iCloud
    leaves in place of a photo to save room, and folders of deleted photos and of small copies.
    """
    found: list[tuple[Path, str, str]] = []
    for folder, folders, names in walk(root):
        linked = [folder / name for name in folders if (folder / name).is_symlink()]
        apart = [(folder / name, WITHHELD, why) for name in folders if (why := _KEPT_APART.get(name.lower()))]
        called = [path for name in names if is_photo(name) and not files.is_file(path := folder / name)]
        broken = [path for path in called if path.is_symlink() and not files.exists(path)]
        away = [folder / name[1:].removesuffix(_IN_CLOUD) for name in names if _is_away(name)]
        found += apart
        found += [(path, "link", "a linked folder, which is not followed") for path in linked]
        found += [(path, "link", "a link that leads nowhere, or where you may not look") for path in broken]
        found += [(path, "not-an-image", "it is no regular file") for path in called if files.exists(path)]
        found += [(path, "in-cloud", "it is in iCloud alone; download it in the Finder") for path in away]
    return [Skipped(path.relative_to(root).as_posix(), reason, why) for path, reason, why in sorted(found)]


def _is_away(name: str) -> bool:
    """Return whether a file stands for a photo that iCloud has taken away: `.IMG_1.HEIC.icloud`."""
    return name.startswith(".") and name.endswith(_IN_CLOUD) and is_photo(name.removesuffix(_IN_CLOUD))


def telling_words(name: str) -> list[str]:
    """Return the words in a name, each once, without those that cameras, phones and programs give."""
    telling = dict.fromkeys(word for word in _words(name) if word.casefold() not in _CAMERA_WORDS)
    return [] if {word.casefold() for word in telling} <= _ALONE else list(telling)


def _words(name: str) -> list[str]:
    words = re.split(r"[\W_]+", unicodedata.normalize("NFC", name))
    return [word for word in words if len(word) > 1 and word.isalpha()]
