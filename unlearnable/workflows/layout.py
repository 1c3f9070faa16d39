"""The layout of a run: the published folder, the private folder, and file names that do not collide.

Everything that a run makes stays in `checkpoint/` of the private folder until the result is complete, so that an
earlier result is untouched until then.
"""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearnable import disk, files
from unlearnable.datasets.formats.sidecar import SUFFIXES
from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.folders import MANIFEST, private_of, published_above

METADATA = "metadata.jsonl"  # the captions in the format of Hugging Face's imagefolder
REPORT = "report.json"
SUMS = "SHA256SUMS"
PRIVATE_SUMS = "SHA256SUMS.private"
SMALLEST = 16  # pixels; a smaller photo has no room for noise that survives resizing


@dataclass(frozen=True)
class Layout:
    """The folders of a run.

    Attributes:
        photos: folder of the photos; never written to.
        output: folder that may be published.
        private: folder that must not be published.
    """

    photos: Path
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

    @property
    def marks(self) -> tuple[Path, ...]:
        """What tells of a run in the private folder, finished or not."""
        return self.settings, self.progress, self.report, self.earlier, self.holder

    @property
    def opt_out(self) -> Path:
        """The folder of files for the user's web site that prohibit AI training."""
        return self.private / "opt-out"

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
    def staged_posts(self) -> Path:
        """The checksum of each post of the unfinished run."""
        return self.progress / "posts.json"

    @property
    def changed(self) -> Path:
        """Published files as the user changed them, which were made again."""
        return self.private / "changed"

    @property
    def swapping(self) -> Path:
        """The temporary name of a file that moves from the staging folder to the published one."""
        return self.progress / "swapping"

    def owns(self, path: Path) -> bool:
        """Return whether a path in the private folder is one that runs make."""
        own_files = {*self.records, self.private / PRIVATE_SUMS, self.report, self.page, self.lock, self.holder}
        own_folders = (self.progress, self.scratch, self.opt_out, self.earlier, self.changed)
        return path in own_files or files.is_temporary(path) or any(map(path.is_relative_to, own_folders))

    def key_under_way(self) -> str | None:
        """Return the run key of the unfinished run, or None if there is none."""
        return self.key.read_text(encoding="utf-8", errors="replace").strip() if self.key.is_file() else None


def layout_of(photos: Path, output: Path | None) -> Layout:
    """Return the folders of a run on `photos`, a folder or a caption file.

    Raises:
        ConfigError: the output would lie in the folder of the photos, or contain it.
        OutputError: a name is too long, or the output would lie in a private folder, or the private one in one that
            may be published.
    """
    root = (photos if photos.is_dir() else photos.parent).resolve()
    if not root.name:
        raise ConfigError(f"{root} as a whole cannot be protected", hint="give a folder of photos")
    target = output or root.with_name(f"{root.name}-protected")
    whole = Path(os.path.abspath(target))  # noqa: PTH100  (`resolve` fails where a name is too long)
    longest = whole.parent / f"{whole.name}.private" / SUMS
    if not disk.can_exist(longest):
        raise OutputError(f"the name of {longest.parent} is too long", hint="choose a shorter --output")
    target = target.resolve()
    check_apart(target, root)
    check_apart(private_of(target), root)
    refuse_published(private_of(target))
    for folder in target.parents:
        if folder.name.endswith(".private") and any(mark.exists() for mark in Layout(folder, folder, folder).marks):
            raise OutputError(f"{target} would lie in {folder}, which is private", hint="choose another --output")
    return Layout(root, target, private_of(target))


def check_apart(output: Path, *inputs: Path) -> None:
    """Check that nothing would be written among the inputs.

    Raises:
        ConfigError: the output lies in an input, or contains one.
    """
    target = output.resolve()
    for root in (path.resolve() for path in inputs):
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise ConfigError(f"the output {target} and {root} overlap", hint="choose another --output")


def refuse_published(path: Path) -> None:
    """Refuse to write what shows or names originals into a folder that may be published.

    Raises:
        OutputError: `protect` wrote the folder that the path lies in.
    """
    for folder in published_above(path):
        raise OutputError(
            f"{path} would lie in {folder}, which is to be published", hint="choose a place outside of it"
        )


def refuse_existing_output(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> None:
    """Refuse to write to folders that are in use already.

    Raises:
        OutputError: a folder holds results and neither `resume` nor `overwrite` is set, or it holds something
            other than results.
        CheckpointError: the run to resume has another key.
    """
    passing = {layout.lock, layout.holder, layout.scratch}  # with files that a killed run was writing

    def is_used(folder: Path) -> bool:
        return folder.is_file() or (
            folder.is_dir() and any(not (path in passing or files.is_temporary(path)) for path in folder.iterdir())
        )

    used = [folder for folder in (layout.output, layout.private) if is_used(folder)]
    if not used:
        return
    if not (overwrite or resume):
        goes_on = "--resume to continue a stopped run"
        if layout.earlier.exists():
            goes_on = "--add to continue the stopped one"
        elif layout.report.is_file() and not layout.progress.exists():
            goes_on = "--add for photos that are new"
        hint = f"use {goes_on}, --overwrite to replace it, or choose another --output"
        raise OutputError(f"{used[0]} exists already", hint=hint)
    if not any(path.exists() for path in (layout.settings, layout.progress)):
        raise OutputError(f"{used[0]} was not made by this program", hint="remove it or choose another --output")
    if resume and layout.key_under_way() not in (None, key):
        hint = "use the same settings and photos, or --overwrite to start over"
        if layout.earlier.exists():
            hint = "continue it with --add in place of --resume, or start over with --overwrite"
        raise CheckpointError(f"{layout.private} holds a stopped run of other settings or photos", hint=hint)


def create_folders(layout: Layout, key: str, settings: str, posts: Mapping[str, str], *, resume: bool) -> None:
    """Create the folders of a run, after `refuse_existing_output`; a stopped run is removed unless it is resumed.

    Args:
        layout: folders of the run.
        key: run key.
        settings: settings of the run, as TOML.
        posts: checksum of each post, by the id of its photo.
        resume: keep the files of a stopped run.

    Raises:
        OutputError: the folders cannot be created.
    """
    if layout.output.is_dir():  # one that is made later lies beside the private folder
        for folder in (layout.output, *layout.output.rglob("*/")):
            disk.check_writable(folder)
    with files.reporting_write_errors(layout.progress):
        if layout.progress.exists() and not (resume and layout.key_under_way() == key):
            layout.key.unlink(missing_ok=True)  # first: a kill leaves nothing that looks like a run to resume
            shutil.rmtree(layout.progress)
        layout.staged.mkdir(parents=True, exist_ok=True)
    files.write_text(layout.staged_settings, settings)
    files.write_text(layout.staged_posts, json.dumps(posts) + "\n")
    files.write_text(layout.key, f"{key}\n")


class OutputNames:
    """Unique names of copies: the same path and stem, the new suffix, and a number if two would collide.

    A copy never has the name of another original, not even of one that was left out, nor of a folder or of a file of
    captions. Names that differ only in case or in the encoding of an accent count as equal, as on some file systems.

    Args:
        originals: ids of all photos that were found.
        captions: name of the caption file, if there is one.
        taken: names of files that are in the output folder already and stay there; no copy stands beside the text of
            another photo.
        packed: whether the copies go into shards, where what stands before the first dot names the post.
    """

    def __init__(
        self,
        originals: Iterable[str],
        captions: str | None = None,
        taken: Iterable[str] = (),
        *,
        packed: bool = False,
    ) -> None:
        ids, self._mark = list(originals), "." if packed else "-"
        self._captions = {folded(name) for name in (METADATA, captions) if name}
        self._owners = dict.fromkeys(self._captions, "")
        self._owners |= {folded(str(folder)): "" for photo in ids for folder in PurePosixPath(photo).parents}
        for photo in ids:
            self._owners.setdefault(folded(photo), photo)
        self._stems = set(map(_stem, ids))
        taken = list(taken)
        self._owners |= {folded(name): "" for name in taken}
        self._texts = {_stem(name) for name in taken if name.endswith(SUFFIXES)}  # beside photos of before

    def give(self, photo: str, suffix: str) -> str:
        """Return the name of a photo's copy; of colliding photos the first to ask keeps the plain name."""
        path, number = PurePosixPath(photo), 1
        name = path.with_suffix(suffix)
        while (
            (number > 1 and _stem(str(name)) in self._stems)  # its text would be another photo's
            or _stem(str(name)) in self._texts
            or self._owners.setdefault(folded(str(name)), photo) != photo
        ):
            number += 1
            name = path.with_name(f"{path.stem}{self._mark}{number}{suffix}")
        return str(name)

    def blocked(self, photo: str) -> str | None:
        """Return the folder of a photo that has the name of a caption file, so that both cannot be written."""
        top = PurePosixPath(photo).parts[0]
        return top if top != photo and folded(top) in self._captions else None


def _stem(name: str) -> str:
    return folded(str(PurePosixPath(name).with_suffix("")))


def folded(name: str) -> str:
    """Return what names have in common that are one on some file systems: case and encoding of accents do not count."""
    return unicodedata.normalize("NFC", name).casefold()
