"""A folder of photos without captions."""

from __future__ import annotations

from pathlib import Path

from unlearnable.posts.assembly import assemble
from unlearnable.posts.tree import find_photos
from unlearnable.posts.types import Dataset, Edits


class Folder:
    """All photos in a folder and its sub-folders; there are no captions to write back."""

    name = "folder"

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a folder."""
        return source.is_dir()

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root`, each with an empty caption of record -1.

        Raises:
            InputError: there is no photo.
        """
        return assemble(root, dict.fromkeys(find_photos(root)), (), (), self.name, None)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: there are no captions."""


FOLDER = Folder()
