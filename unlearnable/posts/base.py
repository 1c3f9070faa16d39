"""The interface of a caption format: recognise a source, read it, and write it back."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from unlearnable.posts.types import Dataset, Edits


@runtime_checkable
class Format(Protocol):
    """One way of storing photos and captions on disk; a row of `formats.FORMATS`."""

    @property
    def name(self) -> str:
        """The name of the row. A `Dataset` carries it, so that the same format writes it back."""

    def sniff(self, source: Path) -> bool:
        """Return whether `source`, a caption file or a folder, is in this format. Unreadable sources are not."""

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root` that `source` names, with their captions.

        A photo that is named without a caption has an empty one, with `record` -1.

        Raises:
            InputError: `source` cannot be read, or names no photo below `root`.
        """

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the posts of `dataset` whose photo stays to `target`, with captions and paths as `edits` says.

        `target` is the new caption file, at the top of the output folder; for captions without
        a file of their own it is the output folder itself.

        Raises:
            InputError: the captions have changed since they were read.
            OutputError: `target` cannot be written, or the format cannot hold a caption.
        """
