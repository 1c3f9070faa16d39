"""The files of a folder that are no photos, counted, so that none is left out without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.tree import is_photo, walk
from unlearnable.wording import counted

VIDEOS = frozenset({".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mts", ".mpg", ".mpeg", ".wmv"})
RAW = frozenset(
    {".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".raf", ".orf", ".rw2", ".pef", ".srw", ".raw"}
)


def refusal(path: Path) -> InputError | None:
    """Return the error that says that a file is a video or a raw photo, by its suffix; None where it is neither."""
    suffix = path.suffix.lower()
    if suffix not in VIDEOS | RAW or not path.is_file():
        return None
    video = suffix in VIDEOS
    kind, hint = ("video", "give a photo or a folder") if video else ("raw photo", "export it as JPEG first")
    return InputError(f"{path} is a {kind}, which cannot be protected", hint=hint)


def other_files(root: Path, captions: Collection[Path | None]) -> dict[str, int]:
    """Count the files below a folder that are neither photos nor captions, by their suffix in lower case.

    Args:
        root: folder of the photos; hidden files and folders in it are left out.
        captions: caption files, which do not count.
    """
    counts: Counter[str] = Counter()
    for folder, _, names in walk(root):
        counts.update(
            PurePosixPath(name).suffix.lower()
            for name in names
            if not is_photo(name) and not name.startswith(".") and folder / name not in captions
        )
    return dict(sorted(counts.items()))


def said_of_others(counts: Mapping[str, int]) -> str:
    """Return a line such as "3 files are no photos: 2 videos, 1 raw"; empty where there are no such files."""
    total = sum(counts.values())
    if not total:
        return ""
    videos, raw = (sum(counts.get(suffix, 0) for suffix in kind) for kind in (VIDEOS, RAW))
    kinds = [counted(videos, "video")] if videos else []
    kinds += [f"{raw} raw"] if raw else []
    if rest := total - videos - raw:
        suffixes = sorted(suffix or "without suffix" for suffix in counts.keys() - VIDEOS - RAW)
        kinds.append(f"{counted(rest, 'other')} ({', '.join(suffixes)})")
    return f"{total} {'files are no photos' if total > 1 else 'file is no photo'}: {', '.join(kinds)}"
