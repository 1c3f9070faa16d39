"""The files in a folder of photos: those that are photos, those that are left out, and all others, counted."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.types import Skipped
from unlearnable.storage import files
from unlearnable.wording import counted

WITHHELD = "withheld"  # reason of what its own text says is not to be published
# Deleted photos, on Windows, in iCloud's export and on Synology and QNAP, and small copies that a Synology makes
_NOT_PHOTOS = frozenset({"$recycle.bin", "recently deleted", "#recycle", "@recycle", "@eadir"})
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
    if ids := find_files(root, is_photo):
        return ids
    if packed := find_files(root, lambda name: name.lower().endswith(".zip")):
        hint = "unpack it; of an export all parts, into one folder or side by side"
        raise InputError(f"no photo in {root}, which holds the ZIP file {packed[0]}", hint=hint)
    suffixes = " ".join(sorted(suffix[1:] for suffix in PHOTO_SUFFIXES))
    raise InputError(f"no photo in {root}", hint=f"photos are files with one of these suffixes: {suffixes}")


def find_files(root: Path, accept: Callable[[str], bool]) -> list[str]:
    """Return the sorted POSIX paths, from `root`, of the files below a folder whose name is accepted; see `walk`.

    Raises:
        InputError: the folder itself cannot be read.
    """
    found = []
    for folder, names in walk(root):
        paths = (folder / name for name in names if accept(name))
        found += [path.relative_to(root).as_posix() for path in paths if files.is_file(path)]  # not a dead link
    return sorted(found)


def walk(root: Path, left_out: list[Skipped] | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder from `root` down with the names of its files, without hidden ones and deleted photos.

    Links to folders are not followed, since they could lead in circles, nor are folders read that this user may not
    look into: `left_out` gets an entry for each of both.

    Raises:
        InputError: the folder itself cannot be read, or the disk fails.
    """
    left_out = [] if left_out is None else left_out

    def leave_out(path: Path, reason: str, detail: str) -> None:
        left_out.append(Skipped(path.relative_to(root).as_posix(), reason, detail))

    def stop(error: OSError) -> None:
        path = Path(error.filename)
        if not isinstance(error, PermissionError) or path == root:
            hint = "check the path and the file permissions"
            raise InputError(f"cannot read {path}: {error.strerror}", hint=hint) from error
        leave_out(path, "unreadable", "a folder that you may not look into")

    for folder, folders, names in os.walk(root, onerror=stop):
        folders[:] = [one for one in folders if not one.startswith(".") and one.lower() not in _NOT_PHOTOS]
        for link in filter(Path.is_symlink, (Path(folder, name) for name in folders)):
            leave_out(link, "link", "a linked folder, which is not followed")
        yield Path(folder), [name for name in names if not name.startswith(".")]


def folders_left_out(root: Path) -> list[Skipped]:
    """Return an entry for each sub-folder that is linked, or that this user may not look into, sorted by path."""
    found: list[Skipped] = []
    for _ in walk(root, found):
        pass
    return sorted(found, key=lambda one: one.where)


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
        for folder, names in walk(root)
        for name in names
        if not is_photo(name) and folder / name not in captions
    )
    return dict(sorted(counts.items()))


def other_files_note(counts: Mapping[str, int]) -> str:
    """Return a line such as "3 files not read: 2 .mp4, 1 without suffix"; empty where there are no such files."""
    kinds = ", ".join(f"{number} {suffix or 'without suffix'}" for suffix, number in counts.items())
    return f"{counted(sum(counts.values()), 'file')} not read: {kinds}" if counts else ""
