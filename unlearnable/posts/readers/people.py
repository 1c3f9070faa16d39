"""Faces, as JSON lines of `{"image", "person", "split"}` or in a folder; invented names, in captions from templates."""

from __future__ import annotations

from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.posts import json_rows
from unlearnable.posts.faces.layouts import names_people
from unlearnable.posts.faces.opening import open_people, read_manifest
from unlearnable.posts.faces.posts import FORMAT, hold_out, named_posts
from unlearnable.posts.fields import POSTS
from unlearnable.posts.text import read_document
from unlearnable.posts.types import Dataset, Edits


class Faces:
    """A data set of faces, of which only photos of known people count; there are no captions to write back."""

    name = FORMAT

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a file that names the people on photos and holds no captions."""
        try:
            text = read_document(source).text if source.is_file() else ""
        except InputError:
            return False
        return names_people(text) and json_rows.text_fields(text).isdisjoint(POSTS.caption)

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the portraits that a manifest names below `root`, or that a folder holds in any layout of faces.

        Without splits in the data, one photo of each person is held out as "test".

        Raises:
            InputError: the source cannot be read, or shows no people.
        """
        people = open_people(source, least=1) if source.is_dir() else read_manifest(source, root)
        return named_posts(hold_out(people, 0))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: captions made from a template are nobody's words."""


PEOPLE = Faces()
