"""The folders of a run and the files in them, and the names of copies.

All that a run makes stays in `checkpoint/` of the private folder until the result is complete, so that an earlier
result is untouched until then.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearnable.errors import ConfigError, OutputError
from unlearnable.posts import SUFFIXES
from unlearnable.storage import files
from unlearnable.storage.folders import MANIFEST, check_apart, private_of, refuse_published

SUMS = "SHA256SUMS"
METADATA = "metadata.jsonl"  # the captions in the format of Hugging Face's imagefolder
SMALLEST = 16  # pixels; a smaller photo has no room for noise that survives resizing


class _In:
    """A path in the private folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __get__(self, records: Records, owner: type[Records]) -> Path:
        return records.private / self.path


@dataclass(frozen=True)
class Records:
    """The published folder, and the folder with what a finished run left for later ones."""

    output: Path
    private: Path

    manifest = _In(MANIFEST)  # a line for each photo
    sums = _In(SUMS)  # of all published files
    report = _In("report.json")  # written last and removed first: if it exists, the run is complete
    settings = _In("run.toml")

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of these records."""
        return self.manifest, self.sums, self.settings, self.report


@dataclass(frozen=True)
class Layout(Records):
    """The folders of a run: of the originals, which is never written to, of the copies, and the private one."""

    photos: Path

    page = _In("report.html")
    lock = _In("lock")  # held from the first to the last moment of a run
    holder = _In("lock.holder")  # who holds it, for the message to another run
    scratch = _In("scratch")  # decoded originals, while a run is under way
    progress = _In("checkpoint")  # all of an unfinished run
    key = _In("checkpoint/key")  # its run key, which decides whether it may be resumed
    checkpoint = _In("checkpoint/state.pt")
    noise = _In("checkpoint/noise.i8")
    staged = _In("checkpoint/staged")  # the future published folder
    staged_manifest = _In("checkpoint/manifest.jsonl")  # it grows while photos are written
    staged_settings = _In("checkpoint/run.toml")
    swapping = _In("checkpoint/swapping")  # a file on its way to the published folder
    earlier = _In("earlier")  # records of the earlier result, while an addition is under way
    earlier_texts = _In("earlier/texts")  # its published files that are not photos

    @property
    def kept(self) -> Records:
        """The records that an earlier result had, while an addition is under way."""
        return Records(self.output, self.earlier)

    def foreign(self) -> list[str]:
        """Return what lies in the private folder and is not of a run; all of it where nothing tells of one."""
        ours = {*self.paths, self.page, self.lock, self.holder, self.progress, self.earlier}
        if any(path.exists() for path in ours):
            ours.add(self.scratch)
        there = self.private.iterdir() if self.private.is_dir() else ()
        return sorted(str(path) for path in there if path not in ours and not path.name.startswith("."))

    @property
    def continued_by(self) -> str:
        """The argument that continues the unfinished run."""
        return "`add=True`" if self.earlier.exists() else "`resume=True`"

    def key_under_way(self) -> str | None:
        """Return the run key of the unfinished run, or None if there is none."""
        return self.key.read_text(encoding="utf-8", errors="replace").strip() if self.key.is_file() else None


def clear(layout: Layout) -> None:
    """Remove what a complete run no longer needs."""
    shutil.rmtree(layout.progress, ignore_errors=True)
    shutil.rmtree(layout.earlier, ignore_errors=True)
    for path in filter(files.is_temporary, layout.private.iterdir()):
        path.unlink(missing_ok=True)


def layout_beside(published: Path) -> Layout:
    """Return the folders of the run that wrote a published folder, for what needs no originals."""
    target = published.resolve()
    return Layout(target, private_of(target), target)


def layout_of(photos: Path, output: Path | None) -> Layout:
    """Return the folders of a run on `photos`, a folder or a caption file.

    Raises:
        ConfigError: the output would lie in the folder of the photos, or contain it.
        OutputError: a name is too long or that of a file, or the private folder would lie in one that may be
            published.
    """
    folder = photos if photos.is_dir() else photos.parent
    root = folder.resolve()
    if not root.name:
        raise ConfigError(f"{root} as a whole cannot be protected", hint="give a folder of photos")
    named = root if ".." in folder.parts else folder.absolute()  # beside a link to a folder, not where it leads
    target = output or named.with_name(f"{named.name}-protected")
    absolute = Path(os.path.abspath(target))  # noqa: PTH100  (`resolve` fails where a name is too long)
    private = absolute.parent / f"{absolute.name}.private"
    if not files.can_exist(private / SUMS):
        raise OutputError(f"the name of {private} is too long", hint="choose a shorter `output`")
    target = target.resolve()
    check_apart(target, root)
    private = private_of(target)
    check_apart(private, root)
    refuse_published(private)
    for path in (target, private):
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is not a folder", hint="choose another `output`")
    return Layout(target, private, root)


class OutputNames:
    """Unique names of copies: the same path and stem, the new suffix, and a number if two would collide.

    A copy never has the name of another original, not even of one that was left out, nor of a folder or of a file of
    captions. Names that differ only in case or in the encoding of an accent count as equal, as on some file systems.

    Args:
        originals: ids of all photos that were found.
        captions: name of the caption file, if there is one.
        taken: names of files that are in the output folder already and stay there.
    """

    def __init__(self, originals: Iterable[str], captions: str | None = None, taken: Iterable[str] = ()) -> None:
        ids, taken = list(originals), list(taken)
        self._owners = {folded(name): "" for name in (METADATA, captions) if name}
        self._owners |= {folded(str(folder)): "" for photo in ids for folder in PurePosixPath(photo).parents}
        for photo in ids:
            self._owners.setdefault(folded(photo), photo)
        self._owners |= {folded(name): "" for name in taken}
        self._stems = set(map(stem_of, ids))
        self._texts = {stem_of(name) for name in taken if name.endswith(SUFFIXES)}  # beside photos of before

    def give(self, photo: str, suffix: str) -> str:
        """Return the name of a photo's copy; of colliding photos the first to ask keeps the plain name."""
        path, number = PurePosixPath(photo), 1
        name = path.with_suffix(suffix)
        while (
            (number > 1 and stem_of(str(name)) in self._stems)  # its text would be another photo's
            or stem_of(str(name)) in self._texts
            or self._owners.setdefault(folded(str(name)), photo) != photo
        ):
            number += 1
            name = path.with_name(f"{path.stem}-{number}{suffix}")
        return str(name)


def stem_of(name: str) -> str:
    """Return a path without its suffix, alike for names that count as equal."""
    return folded(str(PurePosixPath(name).with_suffix("")))


def folded(name: str) -> str:
    """Return what names have in common that are one on some file systems: case and encoding of accents do not count."""
    return unicodedata.normalize("NFC", name).casefold()
