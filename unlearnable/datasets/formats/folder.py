"""A folder of photos without captions: each photo is captioned by a template, from where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import Dataset, Edits


@dataclass(frozen=True)
class Folder:
    """All photos in a folder and the folders in it; there are no captions to write back."""

    name: str = "folder"

    def sniff(self, source: Path) -> bool:
        """Whether `source` is a folder."""
        return source.is_dir()

    def read(self, source: Path, root: Path) -> Dataset:
        """The photos below `root`, each with one caption of record -1.

        Raises:
            InputError: there is none.
        """
        return assemble(root, dict.fromkeys(find_photos(root)), (), (), self.name, None)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: the captions of a template are no one's words."""


FOLDER = Folder()
