"""The folders of a run, their files and lock, and the names of copies.

All that a run makes stays in `checkpoint/` of the private folder until the result is complete, so that an earlier
result is untouched until then.
"""

import os
import shutil
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from unlearnable.errors import ConfigError, OutputError
from unlearnable.storage import files
from unlearnable.storage.folders import MANIFEST, check_apart, lock_output, private_of, refuse_published
from unlearnable.wording import named

SUMS = "SHA256SUMS"
METADATA = "metadata.jsonl"  # the captions in the format of Hugging Face's imagefolder
SMALLEST = 16  # pixels; a smaller photo has no room for noise that survives resizing


class Layout:
    """The folders of a run: of the originals, which is never written to, of the copies, and the private one."""

    def __init__(self, output: Path, private: Path, photos: Path) -> None:
        self.output, self.private, self.photos = output, private, photos
        self.manifest = private / MANIFEST  # a line for each photo
        self.sums = private / SUMS  # of all published files
        self.settings = private / "run.toml"
        self.report = private / "report.json"  # written last and removed first: if it exists, the run is complete
        self.page = private / "report.html"
        self.lock = private / "lock"  # held from the first to the last moment of a run
        self.scratch = private / "scratch"  # decoded originals, while a run is under way
        self.earlier = private / "earlier"  # records of the earlier result, while an addition is under way
        self.earlier_texts = self.earlier / "texts"  # its published files that are not photos
        self.progress = private / "checkpoint"  # all of an unfinished run
        self.key = self.progress / "key"  # its run key, which decides whether it may be resumed
        self.checkpoint = self.progress / "state.pt"
        self.noise = self.progress / "noise.i8"
        self.staged = self.progress / "staged"  # the future published folder
        self.staged_manifest = self.progress / "manifest.jsonl"  # it grows while photos are written
        self.staged_settings = self.progress / "run.toml"
        self.swapping = self.progress / "swapping"  # a file on its way to the published folder

    @property
    def records(self) -> tuple[Path, ...]:
        """The files that a finished run leaves for later ones."""
        return self.manifest, self.sums, self.settings, self.report

    @property
    def continued_by(self) -> str:
        """The argument that continues the unfinished run."""
        return "`add=True`" if self.earlier.exists() else "`resume=True`"

    def key_under_way(self) -> str | None:
        """Return the run key of the unfinished run, or None if there is none."""
        return self.key.read_text(encoding="utf-8", errors="replace").strip() if self.key.is_file() else None

    def foreign(self) -> list[str]:
        """Return what lies in the private folder and is not of a run; all of it where nothing tells of one."""
        ours = {*self.records, self.page, self.lock, self.progress, self.earlier}
        if any(path.exists() for path in ours):
            ours.add(self.scratch)
        if files.size_of(self.lock):  # a lock is empty
            ours.remove(self.lock)
        there = self.private.iterdir() if self.private.is_dir() else ()
        return sorted(str(path) for path in there if path not in ours and not path.name.startswith("."))


@contextmanager
def held(layout: Layout) -> Iterator[Path]:
    """Hold the folders of a run against other runs, and yield an empty folder for decoded originals.

    That folder lies in the private one and is removed at the end. The system releases the lock of a process that
    dies; its files are then taken over by the next run.
    """
    if foreign := layout.foreign():
        message = f"{layout.private} is not the private folder of a run: it holds {named(foreign, 5)}"
        raise OutputError(message, hint="move it elsewhere, or choose another `output`")
    with files.no_empty_folders_above(layout.lock), lock_output(layout.output, layout.lock, "run"):
        shutil.rmtree(layout.scratch, ignore_errors=True)
        try:
            with files.reporting_write_errors(layout.scratch):
                layout.private.chmod(0o700)
                layout.scratch.mkdir(mode=0o700)
            yield layout.scratch
        finally:
            shutil.rmtree(layout.scratch, ignore_errors=True)


def create_folders(layout: Layout, key: str, settings: str, *, resume: bool) -> None:
    """Create the folders of a run with its settings, as TOML; a stopped run is removed unless it is resumed."""
    if layout.output.is_dir():  # one that is made later lies beside the private folder
        for folder in (layout.output, *layout.output.rglob("*/")):
            files.check_writable(folder)
    with files.reporting_write_errors(layout.progress):
        if layout.progress.exists() and not resume:
            layout.key.unlink(missing_ok=True)  # first: what a kill leaves of it is no run to resume
            shutil.rmtree(layout.progress)
        layout.staged.mkdir(parents=True, exist_ok=True)
    files.write_text(layout.staged_settings, settings)
    files.write_text(layout.key, f"{key}\n")


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
    """Return the folders of a run on `photos`, a folder or a caption file; refuse those that overlap."""
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

    None has a name of `taken`, the files that are in the output folder already and stay there.
    """

    def __init__(self, originals: Collection[str], captions: str | None = None, taken: Iterable[str] = ()) -> None:
        self._stems = set(map(stem_of, originals))
        self._owners = {folded(name): "" for name in (METADATA, captions) if name}
        self._owners |= {folded(str(folder)): "" for photo in originals for folder in PurePosixPath(photo).parents}
        for photo in originals:
            self._owners.setdefault(folded(photo), photo)
        self._owners |= {folded(name): "" for name in taken}

    def give(self, photo: str, suffix: str) -> str:
        """Return the name of a photo's copy; of colliding photos the first to ask keeps the plain name."""
        path, number = PurePosixPath(photo), 1
        name = path.with_suffix(suffix)
        while (
            number > 1 and stem_of(str(name)) in self._stems  # its text would be another photo's
        ) or self._owners.setdefault(folded(str(name)), photo) != photo:
            number += 1
            name = path.with_name(f"{path.stem}-{number}{suffix}")
        return str(name)


def stem_of(name: str) -> str:
    """Return a path without its suffix, alike for names that count as equal."""
    return folded(str(PurePosixPath(name).with_suffix("")))


def folded(name: str) -> str:
    """Return what names have in common that are one on some file systems: case and encoding of accents do not count."""
    return unicodedata.normalize("NFC", name).casefold()
