"""The caption files of an `--add`: those of the earlier result and of the new posts in one, where a format allows it.

What was joined is read back before it is taken: each caption that could be read before, or is new, must be in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unlearnable.datasets import Dataset, Edits, read_written, write_captions
from unlearnable.datasets.beside import Beside
from unlearnable.datasets.formats import FORMATS
from unlearnable.disk import files, modes
from unlearnable.errors import InputError, OutputError
from unlearnable.results import ManifestLine
from unlearnable.workflows.output import published
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.protect.adding.earlier import Earlier
from unlearnable.workflows.protect.writing.publication import Publication

_LINES, _TABLES = frozenset({".jsonl", ".ndjson"}), frozenset({".csv", ".tsv"})
_UTF8_MARK, _OTHER_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class CaptionJoin:
    """What is needed to join the caption files of an earlier result and of new posts.

    Attributes:
        earlier: the earlier result.
        layout: folders of the run; the staging folder holds the new posts, with captions of theirs alone.
        dataset: the new posts.
        whole: all posts where the new ones were found, perhaps those of before too.
        known: the photos of `whole` that the earlier result has copies of.
        publication: what is published of the new posts.
    """

    earlier: Earlier
    layout: Layout
    dataset: Dataset
    whole: Dataset
    known: Mapping[str, ManifestLine]
    publication: Publication

    def join(self, scratch: Path) -> list[str]:
        """Join them in the staging folder, which then holds the earlier files too; return remarks for the user."""
        staged, photos, aside = self.layout.staged, set(self.publication.names.values()), scratch / "new"
        for path in sorted(staged.rglob("*")):
            name = path.relative_to(staged).as_posix()
            if path.is_file() and name not in photos and name in self.earlier.sums:
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, aside / name)
        for name in self.earlier.sums:
            text = self.earlier.text(name)
            _link(text if text.is_file() else self.layout.output / name, staged / name)
        clashing = [name for name in self.earlier.sums if (aside / name).is_file()]
        if METADATA in clashing and self.dataset.captions_file != METADATA:
            clashing.remove(METADATA)
            self._append([METADATA], aside)
        if not clashing or isinstance(FORMATS[self.dataset.format], Beside):
            return []  # two photos share a text beside them: it stays that of the first
        if self._taken(self._rewrite) or self._taken(lambda: self._append(clashing, aside)):
            return []
        return [self._put_beside(name, aside / name) for name in clashing]

    def _taken(self, write: Callable[[], object]) -> bool:
        """Return whether captions that a call writes hold all that they held before, and the new ones; if not, undo."""
        new = {(self.publication.names[pair.photo], text) for pair, text in self.publication.in_file}
        try:
            wanted = self._stored() | new
            write()
            if self._stored() >= wanted:
                return True
        except (InputError, OutputError, ValueError):
            pass
        for name in self.earlier.texts:
            if name != METADATA or self.dataset.captions_file == METADATA:
                (self.layout.staged / name).unlink(missing_ok=True)
                _link(self.earlier.text(name), self.layout.staged / name)
        return False

    def _stored(self) -> set[tuple[str, str]]:
        """Return the captions that the staged caption files hold, each with its photo."""
        read = read_written(self.dataset, self.layout.staged)
        return {(pair.photo, pair.caption) for pair in read.pairs if pair.record >= 0}

    def _rewrite(self) -> None:
        """Write the caption files from the user's own, with the captions of all posts that these hold."""
        captions: dict[tuple[int, int], str] = {}
        paths, pairs = dict(self.publication.names), self.whole.pairs_by_photo()
        for photo, line in self.known.items():
            if len(pairs[photo]) == len(line.captions):
                paths[photo] = str(line.output)
                places = ((pair.record, pair.index) for pair in pairs[photo])
                captions |= {place: text for place, text in zip(places, line.captions, strict=True) if place[0] >= 0}
        for pair, text in self.publication.in_file:
            captions.setdefault((pair.record, pair.index), text)
        source = self.dataset.source
        target = self.layout.staged if source is None else self.layout.staged / source.name
        write_captions(self.whole, Edits(captions, paths, self.earlier.keep_fields), target)
        for name in self.earlier.texts:
            modes.copy_mode(self.earlier.text(name), self.layout.staged / name)

    def _append(self, clashing: Sequence[str], aside: Path) -> None:
        """Append the new posts' caption files to the earlier ones.

        Raises:
            ValueError: one is of a kind that cannot be continued.
        """
        for name in clashing:
            before, new = self.earlier.text(name), (aside / name).read_bytes()
            files.write_bytes(self.layout.staged / name, _continued(name, before.read_bytes(), new))
            modes.copy_mode(before, self.layout.staged / name)

    def _put_beside(self, name: str, new: Path) -> str:
        """Give the new posts' caption file a name of its own; return a remark."""
        path, number = PurePosixPath(name), 2
        while self._is_taken(own := str(path.with_name(f"{path.stem}-{number}{path.suffix}"))):
            number += 1
        target = self.layout.staged / own
        target.unlink(missing_ok=True)
        shutil.copy(new, target)
        return f"the captions of the added photos are in {own}, as {name} cannot be continued; {METADATA} holds all"

    def _is_taken(self, name: str) -> bool:
        """Return whether a name is that of an earlier file, or of one that somebody else put beside them."""
        in_the_way = os.path.lexists(self.layout.output / name) and name not in published.read_sums(self.layout)
        return name in self.earlier.sums or in_the_way


def _continued(name: str, before: bytes, new: bytes) -> bytes:
    """Return a file of lines, or a table with the same heading, with another one behind it."""
    if before.startswith(_OTHER_MARKS) or new.startswith(_OTHER_MARKS):
        raise ValueError("not in UTF-8")
    new = new.removeprefix(_UTF8_MARK)
    if (suffix := PurePosixPath(name).suffix.lower()) in _TABLES:
        heading, _, new = new.partition(b"\n")
        first = before.removeprefix(_UTF8_MARK).partition(b"\n")[0]
        if heading.rstrip(b"\r") != first.rstrip(b"\r") or b'"' in heading:
            raise ValueError("another heading")
    elif suffix not in _LINES:
        raise ValueError("no lines")
    return before + (b"" if before.endswith(b"\n") or not before else b"\n") + new


def _link(source: Path, target: Path) -> None:
    """Give a file another name, or copy it where the file system has no links."""
    if target.exists():
        return
    with files.reporting_write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy(source, target)
