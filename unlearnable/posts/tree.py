"""The files in a folder of photos: those that are photos, those that are left out, and all others, counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.types import Skipped
from unlearnable.storage import files
from unlearnable.wording import counted, first_and_more

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
_VIDEOS = frozenset({".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mts", ".mpg", ".mpeg", ".wmv"})
_RAW = frozenset(
    {".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".raf", ".orf", ".rw2", ".pef", ".srw", ".raw"}
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


def find_files(root: Path, accept: Callable[[str], bool]) -> list[str]:
    """Return the sorted POSIX paths, from `root`, of the files below a folder whose name is accepted; see `walk`.

    Raises:
        InputError: the folder itself cannot be read.
    """
    found = []
    for folder, _, names in walk(root):
        paths = (folder / name for name in names if accept(name))
        found += [path.relative_to(root).as_posix() for path in paths if files.is_file(path)]  # not a dead link
    return sorted(found)


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder from `root` down, with the names of its folders and of its files, without the hidden ones.

    Links to folders are not followed, since they could lead in circles, nor is looked into folders that a system
    keeps for itself (`not_here`) or that this user may not look into (`unreadable`).

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
        yield Path(folder), shown, [name for name in names if not name.startswith(".")]


def unreadable(root: Path) -> list[Skipped]:
    """Return an entry for each sub-folder that this user may not look into, sorted by path."""
    folders = (folder / name for folder, folders, _ in walk(root) for name in folders)
    return [
        Skipped(path.relative_to(root).as_posix(), UNREADABLE, "a folder that you may not look into")
        for path in sorted(folders)
        if not path.is_symlink() and path.name.lower() not in _KEPT_APART and not _is_open(path)
    ]


def _is_open(folder: Path) -> bool:
    try:
        os.scandir(folder).close()
    except PermissionError:
        return False
    except OSError:  # whoever reads it says so
        return True
    return os.access(folder, os.X_OK)


def not_here(root: Path) -> list[Skipped]:
    """Return an entry for each linked folder, broken link, pipe and the like, and folder of deleted photos, by path."""
    found: list[tuple[Path, str, str]] = []
    for folder, folders, names in walk(root):
        for path in (folder / name for name in folders):
            if path.is_symlink():
                found.append((path, "link", "a linked folder, which is not followed"))
            elif path.name.lower() in _KEPT_APART:
                found.append((path, WITHHELD, _KEPT_APART[path.name.lower()]))
        for path in (folder / name for name in names if is_photo(name)):
            if files.is_file(path):
                continue
            if path.is_symlink() and not files.exists(path):
                found.append((path, "link", "a link that leads nowhere, or where you may not look"))
            elif files.exists(path):
                found.append((path, "not-an-image", "it is no regular file"))
    return [Skipped(path.relative_to(root).as_posix(), reason, why) for path, reason, why in sorted(found)]


def refusal(path: Path) -> InputError | None:
    """Return the error for a file that is a video or a raw photo, by its suffix; None where it is neither."""
    suffix = path.suffix.lower()
    if suffix not in _VIDEOS | _RAW or not path.is_file():
        return None
    is_video = suffix in _VIDEOS
    kind, hint = ("video", "give a photo or a folder") if is_video else ("raw photo", "export it as JPEG first")
    return InputError(f"{path} is a {kind}, which cannot be protected", hint=hint)


def other_files(root: Path, captions: Collection[Path | None]) -> dict[str, int]:
    """Count the files below a folder that are neither photos nor `captions`, by their suffix in lower case."""
    counts = Counter(
        PurePosixPath(name).suffix.lower()
        for folder, _, names in walk(root)
        for name in names
        if not is_photo(name) and folder / name not in captions
    )
    return dict(sorted(counts.items()))


def other_files_note(counts: Mapping[str, int]) -> str:
    """Return a line such as "3 files not read: 2 .mp4, 1 without suffix"; empty where there are no such files."""
    kinds = ", ".join(f"{number} {suffix or 'without suffix'}" for suffix, number in counts.items())
    return f"{counted(sum(counts.values()), 'file')} not read: {kinds}" if counts else ""
