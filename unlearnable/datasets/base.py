"""What every caption format offers: to recognise its own, to read it, and to write it back."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from unlearnable.datasets.types import Dataset, Edits


@runtime_checkable
class Format(Protocol):
    """One way in which photos and captions lie on the disk. A row of `formats.FORMATS`."""

    @property
    def name(self) -> str:
        """The name of its row; a `Dataset` carries it, so that the same format writes it back."""

    def sniff(self, source: Path) -> bool:
        """Whether `source`, a caption file or a folder, is in this format. Never raises for what it cannot read."""

    def read(self, source: Path, root: Path) -> Dataset:
        """The photos below `root` that `source` names, with their captions.

        A photo it names without a caption gets one from a template, with `record` -1.

        Raises:
            InputError: `source` cannot be read, or names no photo below `root`.
        """

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the captions of `dataset` to `target`, changed as `edits` says and otherwise byte for byte.

        `target` is the new caption file, at the top of the output folder; where the captions
        have no file of their own, it is the output folder itself.

        Raises:
            InputError: the captions are no longer the ones that were read.
            OutputError: `target` cannot be written, or the format cannot hold a caption.
        """
