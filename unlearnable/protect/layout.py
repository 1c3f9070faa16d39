"""The layout of a run: the published folder, the private folder, and where files lie in them.

Everything that a run makes stays in `checkpoint/` of the private folder until the result is complete, so that an
earlier result is untouched until then.
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

METADATA = "metadata.jsonl"  # the captions in the format of Hugging Face's imagefolder
REPORT = "report.json"
SUMS = "SHA256SUMS"
TEXTS = "texts"  # folder of the published files that are no photos, beside the records of an earlier result
_STATE = ("state", "noise")  # what the files of the checkpoint begin with, of which there are several each
_WORKING = (".u8", ".i8")  # suffixes of the files of pixels and noise in the scratch folder
_FOR_A_WHILE = ("read-back", "new", "kept", "earlier")  # the folders there
SMALLEST = 16  # pixels; a smaller photo has no room for noise that survives resizing


@dataclass(frozen=True)
class Records:
    """The records that a finished run left, which later ones read.

    Attributes:
        output: folder that was published, or will be.
        private: folder of the records: that which must not be published, or one in it during an addition.
    """

    output: Path
    private: Path

    @property
    def manifest(self) -> Path:
        """The manifest, with one line per photo."""
        return self.private / MANIFEST

    @property
    def sums(self) -> Path:
        """The checksums of all published files."""
        return self.private / SUMS

    @property
    def report(self) -> Path:
        """The report, written last and removed first: if it exists, the run is complete."""
        return self.private / REPORT

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.private / "report.html"

    @property
    def settings(self) -> Path:
        """The settings of the run, for repeating it."""
        return self.private / "run.toml"

    @property
    def records(self) -> tuple[Path, ...]:
        """The files of a finished run that later ones read, but for the report."""
        return self.manifest, self.sums, self.settings


@dataclass(frozen=True)
class Layout(Records):
    """The folders of a run, and all that lies in them.

    Attributes:
        output: folder that may be published.
        private: folder that must not be published.
        photos: folder of the originals of the result; never written to.
    """

    photos: Path

    @property
    def marks(self) -> tuple[Path, ...]:
        """What tells of a run in the private folder, finished or not."""
        return self.settings, self.progress, self.report, self.earlier, self.holder

    @property
    def lock(self) -> Path:
        """The lock that a run holds from its first to its last moment."""
        return self.private / "lock"

    @property
    def holder(self) -> Path:
        """The process that holds the lock, for the message to another one."""
        return self.private / "lock.holder"

    @property
    def scratch(self) -> Path:
        """The folder of decoded originals, which exists only while a run is under way."""
        return self.private / "scratch"

    @property
    def progress(self) -> Path:
        """The folder of an unfinished run, removed once the run is complete."""
        return self.private / "checkpoint"

    @property
    def earlier(self) -> Path:
        """The folder of the records that an earlier result had, while `--add` is under way."""
        return self.private / "earlier"

    @property
    def kept(self) -> Records:
        """The records that an earlier result had, while `--add` is under way."""
        return Records(self.output, self.earlier)

    @property
    def key(self) -> Path:
        """The run key of the unfinished run, which decides whether it may be resumed."""
        return self.progress / "key"

    @property
    def checkpoint(self) -> Path:
        """The checkpoint of the optimisation."""
        return self.progress / "state.pt"

    @property
    def noise(self) -> Path:
        """The noise during the optimisation."""
        return self.progress / "noise.i8"

    @property
    def staged(self) -> Path:
        """The staging folder: the future published folder while it is written."""
        return self.progress / "staged"

    @property
    def staged_manifest(self) -> Path:
        """The manifest of the staged photos, which grows while they are written."""
        return self.progress / "manifest.jsonl"

    @property
    def staged_settings(self) -> Path:
        """The settings of the unfinished run."""
        return self.progress / "run.toml"

    @property
    def swapping(self) -> Path:
        """The temporary name of a file that moves from the staging folder to the published one."""
        return self.progress / "swapping"

    @property
    def passing(self) -> tuple[Path, ...]:
        """The folders that are removed once what they are for is done, with all that they hold."""
        return self.progress, self.earlier, self.scratch

    def owns(self, path: Path) -> bool:
        """Return whether a path in the private folder is one that runs make, or a system beside those that pass."""
        kept = {*self.records, self.report}
        passing = {*self.passing, self.key, self.staged_manifest, self.staged_settings}
        own_files = {*kept, *passing, self.page, self.lock, self.holder, self.swapping}
        own_files |= {self.earlier / record.name for record in kept}
        own_folders = [self.staged, self.earlier / TEXTS]
        own_folders += [self.scratch / name for name in _FOR_A_WHILE]
        return (
            path in own_files
            or files.is_temporary(path)
            or any(map(path.is_relative_to, own_folders))
            or (path.parent == self.scratch and path.suffix in _WORKING)
            or (path.parent == self.progress and path.name.partition(".")[0] in _STATE)
            or (path.name.startswith(".") and any(map(path.is_relative_to, self.passing)))
        )

    @property
    def goes_on_with(self) -> str:
        """The option that continues the unfinished run."""
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


def layout_in(private: Path) -> Layout:
    """Return the folders of the run that a private folder may be of, for what needs no other folder."""
    return Layout(private, private, private)


def layout_of(photos: Path, output: Path | None) -> Layout:
    """Return the folders of a run on `photos`, a folder or a caption file.

    Raises:
        ConfigError: the output would lie in the folder of the photos, or contain it.
        OutputError: a name is too long or that of a file, or the output would lie in a private folder, or the private
            one in one that may be published.
    """
    folder = photos if photos.is_dir() else photos.parent
    root = folder.resolve()
    if not root.name:
        raise ConfigError(f"{root} as a whole cannot be protected", hint="give a folder of photos")
    named = root if ".." in folder.parts else folder.absolute()  # beside a link to a folder, not where it leads
    target = output or named.with_name(f"{named.name}-protected")
    whole = Path(os.path.abspath(target))  # noqa: PTH100  (`resolve` fails where a name is too long)
    longest = whole.parent / f"{whole.name}.private" / SUMS
    if not files.can_exist(longest):
        raise OutputError(f"the name of {longest.parent} is too long", hint="choose a shorter `output`")
    target = target.resolve()
    check_apart(target, root)
    check_apart(private_of(target), root)
    refuse_published(private_of(target))
    for folder in target.parents:
        if folder.name.endswith(".private") and is_of_a_run(layout_in(folder)):
            raise OutputError(f"{target} would lie in {folder}, which is private", hint="choose another `output`")
    for folder in (target, private_of(target)):
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is no folder", hint="choose another `output`")
    return Layout(target, private_of(target), root)


def is_of_a_run(layout: Layout) -> bool:
    """Return whether a run left its files in the private folder, finished or not."""
    return any(mark.exists() for mark in layout.marks)


class OutputNames:
    """Unique names of copies: the same path and stem, the new suffix, and a number if two would collide.

    A copy never has the name of another original, not even of one that was left out, nor of a folder or of a file of
    captions. Names that differ only in case or in the encoding of an accent count as equal, as on some file systems.

    Args:
        originals: ids of all photos that were found.
        captions: name of the caption file, if there is one.
        taken: names of files that are in the output folder already and stay there; no copy stands beside the text of
            another photo.
    """

    def __init__(
        self,
        originals: Iterable[str],
        captions: str | None = None,
        taken: Iterable[str] = (),
    ) -> None:
        ids = list(originals)
        self._captions = {folded(name) for name in (METADATA, captions) if name}
        self._owners = dict.fromkeys(self._captions, "")
        self._owners |= {folded(str(folder)): "" for photo in ids for folder in PurePosixPath(photo).parents}
        for photo in ids:
            self._owners.setdefault(folded(photo), photo)
        self._stems = set(map(stem_of, ids))
        taken = list(taken)
        self._owners |= {folded(name): "" for name in taken}
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

    def blocked(self, photo: str) -> str | None:
        """Return the folder of a photo that has the name of a caption file, so that both cannot be written."""
        top = PurePosixPath(photo).parts[0]
        return top if top != photo and folded(top) in self._captions else None


def stem_of(name: str) -> str:
    """Return a path without its suffix, alike for names that count as equal."""
    return folded(str(PurePosixPath(name).with_suffix("")))


def folded(name: str) -> str:
    """Return what names have in common that are one on some file systems: case and encoding of accents do not count."""
    return unicodedata.normalize("NFC", name).casefold()
