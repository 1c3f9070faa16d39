"""Where a run reads and writes: the published folder, the private one, and names that do not collide."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.errors import ConfigError, OutputError


@dataclass(frozen=True)
class Places:
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
        """One line a photo, grows while photos are written."""
        return self.private / "manifest.jsonl"

    @property
    def report(self) -> Path:
        """Written last: where it is, the run is complete."""
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
    def checkpoint(self) -> Path:
        """The state of the optimisation; removed once the run is complete."""
        return self.private / "checkpoint" / "state.pt"

    @property
    def noise(self) -> Path:
        """The noise while it is made, beside the checkpoint."""
        return self.checkpoint.with_name("noise.i8")


def places(photos: Path, output: Path | None) -> Places:
    """The folders of a run on `photos`, a folder or a caption file.

    Raises:
        ConfigError: the output would lie in the photos or the other way round.
    """
    root = (photos if photos.is_dir() else photos.parent).resolve()
    target = (output or root.with_name(f"{root.name}-protected")).resolve()
    check_apart(target, root)
    check_apart(private_of(target), root)
    return Places(root, target, private_of(target))


def check_apart(output: Path, *inputs: Path) -> None:
    """See that nothing would be written among what is read.

    Raises:
        ConfigError: the output lies in an input, or the other way round.
    """
    target = output.resolve()
    for root in (given.resolve() for given in inputs):
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise ConfigError(f"the output {target} and {root} overlap", hint="give another --output")


def check(where: Places, *, resume: bool, overwrite: bool) -> None:
    """Refuse to go where there is something already.

    Raises:
        OutputError: results are there and neither `resume` nor `overwrite` was asked for, or
            what is there is not an earlier result.
    """
    used = [p for p in (where.output, where.private) if p.is_file() or (p.is_dir() and any(p.iterdir()))]
    if not used:
        return
    if not (overwrite or resume):
        hint = "use --resume to go on with a stopped run, --overwrite to replace it, or another --output"
        raise OutputError(f"{used[0]} exists already", hint=hint)
    if not where.settings.is_file():
        raise OutputError(f"{used[0]} was not made by this program", hint="remove it yourself or give another --output")


def claim(where: Places, settings: str, *, resume: bool) -> None:
    """Make the folders; what an earlier run left there goes, unless it is to be resumed. `check` comes first.

    Args:
        where: the folders.
        settings: written first of all, since it marks them as made by this program.
        resume: keep what is there.

    Raises:
        OutputError: they cannot be made.
    """
    try:
        for folder in (where.output, where.private):
            if folder.exists() and not resume:
                shutil.rmtree(folder)
        files.write_text(where.settings, settings)
        for folder in (where.output, where.checkpoint.parent):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {error.filename}: {error.strerror}", hint="check the rights there") from error


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
