"""Where a run reads and writes: the published folder, the private one, and names that do not collide.

All that a run makes lies in `checkpoint/` of the private folder until the result is whole, so an earlier result stays
as it is until then.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.errors import CheckpointError, ConfigError, OutputError

METADATA = "metadata.jsonl"  # the captions as Hugging Face's imagefolder has them
SMALLEST = 16  # pixels; below that a photo has no room for noise that survives resizing


@dataclass(frozen=True)
class Layout:
    """The folders of a run.

    Attributes:
        photos: the folder the photos lie in; never written to.
        output: what may be published.
        private: what must not be.
    """

    photos: Path
    output: Path
    private: Path

    @property
    def manifest(self) -> Path:
        """One line a photo."""
        return self.private / "manifest.jsonl"

    @property
    def sums(self) -> Path:
        """The checksums of all that was published."""
        return self.private / "SHA256SUMS"

    @property
    def report(self) -> Path:
        """Written last and removed first: where it is, the run is complete."""
        return self.private / "report.json"

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.private / "report.html"

    @property
    def settings(self) -> Path:
        """The settings of the run, to repeat it."""
        return self.private / "run.toml"

    @property
    def progress(self) -> Path:
        """All that belongs to a run under way; removed once it is complete."""
        return self.private / "checkpoint"

    @property
    def key(self) -> Path:
        """The key of the run under way, which tells whether it may be resumed."""
        return self.progress / "key"

    @property
    def checkpoint(self) -> Path:
        """The state of the optimisation."""
        return self.progress / "state.pt"

    @property
    def noise(self) -> Path:
        """The noise while it is made."""
        return self.progress / "noise.i8"

    @property
    def staged(self) -> Path:
        """The result while it is written: the published folder to be."""
        return self.progress / "staged"

    @property
    def staged_manifest(self) -> Path:
        """The manifest of the staged photos; grows while they are written."""
        return self.progress / "manifest.jsonl"

    @property
    def staged_settings(self) -> Path:
        """The settings of the run under way."""
        return self.progress / "run.toml"

    @property
    def swapping(self) -> Path:
        """The name of a file on its way from the staging folder to the published one."""
        return self.progress / "swapping"

    def owns(self, path: Path) -> bool:
        """Whether a path in the private folder is one that runs make."""
        known = {self.manifest, self.sums, self.report, self.page, self.settings}
        return path in known or files.is_temporary(path) or path.is_relative_to(self.progress)

    def key_under_way(self) -> str | None:
        """Return the key of the run under way, or None where none has begun."""
        return self.key.read_text(encoding="utf-8").strip() if self.key.is_file() else None


def layout_of(photos: Path, output: Path | None) -> Layout:
    """The folders of a run on `photos`, a folder or a caption file.

    Raises:
        ConfigError: the output would lie in the photos or the other way round.
    """
    root = (photos if photos.is_dir() else photos.parent).resolve()
    target = (output or root.with_name(f"{root.name}-protected")).resolve()
    check_apart(target, root)
    check_apart(private_of(target), root)
    return Layout(root, target, private_of(target))


def check_apart(output: Path, *inputs: Path) -> None:
    """See that nothing would be written among what is read.

    Raises:
        ConfigError: the output lies in an input, or the other way round.
    """
    target = output.resolve()
    for root in (given.resolve() for given in inputs):
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise ConfigError(f"the output {target} and {root} overlap", hint="give another --output")


def refuse_existing_output(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> None:
    """Refuse to go where there is something already.

    Raises:
        OutputError: results are there and neither `resume` nor `overwrite` was asked for, or what is there is not
            an earlier result.
        CheckpointError: the run to be resumed has another key.
    """
    used = [p for p in (layout.output, layout.private) if p.is_file() or (p.is_dir() and any(p.iterdir()))]
    if not used:
        return
    if not (overwrite or resume):
        hint = "use --resume to go on with a stopped run, --overwrite to replace it, or another --output"
        raise OutputError(f"{used[0]} exists already", hint=hint)
    if not any(path.exists() for path in (layout.settings, layout.progress)):
        raise OutputError(f"{used[0]} was not made by this program", hint="remove it yourself or give another --output")
    if resume and layout.key_under_way() not in (None, key):
        hint = "give the same ones, or use --overwrite to start again"
        raise CheckpointError(f"{layout.private} holds a stopped run of other settings or photos", hint=hint)


def create_folders(layout: Layout, key: str, settings: str, *, resume: bool) -> None:
    """Make the folder of a run; a stopped one goes unless it is resumed. Call `refuse_existing_output` first.

    Args:
        layout: the folders.
        key: of the run.
        settings: of the run, as TOML.
        resume: keep what is there.

    Raises:
        OutputError: it cannot be made.
    """
    with files.reporting_write_errors(layout.progress):
        if layout.progress.exists() and not resume:
            shutil.rmtree(layout.progress)
        layout.staged.mkdir(parents=True, exist_ok=True)
    files.write_text(layout.staged_settings, settings)
    files.write_text(layout.key, f"{key}\n")


def output_names(sources: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A name of its own for every photo: the same path and stem, the new suffix, a number where two would collide.

    Names that differ only in case or in how they encode an accent count as the same, since
    some file systems see them so.

    Args:
        sources: (photo id, new suffix) in the order that decides who keeps the plain name.
    """
    taken: set[str] = set()
    names = {}
    for source, suffix in sources:
        path, number = PurePosixPath(source), 1
        name = path.with_suffix(suffix)
        while (key := unicodedata.normalize("NFC", str(name)).casefold()) in taken:
            number += 1
            name = path.with_name(f"{path.stem}-{number}{suffix}")
        taken.add(key)
        names[source] = str(name)
    return names


def private_of(output: Path) -> Path:
    """The folder beside `output` that must not be published."""
    return output.with_name(f"{output.name}.private")
