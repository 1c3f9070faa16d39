"""A photo and its protected copy as files: are they still those of one another, and what do both show?"""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnable.datasets import Photo
from unlearnable.errors import InputError
from unlearnable.imaging.copied import as_copied, is_reduced
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import Picture
from unlearnable.results import ManifestLine
from unlearnable.workflows.output.copies import shows_another
from unlearnable.workflows.verify.made import report_of


@dataclass(frozen=True)
class PostPair:
    """A photo with its captions, before and after protection.

    Attributes:
        original: original photo.
        protected: file of the protected copy.
        clean: original captions.
        published: protected captions, in the same order.
    """

    original: Photo
    protected: Path
    clean: tuple[str, ...]
    published: tuple[str, ...]


def is_another(post: PostPair, line: ManifestLine | None) -> bool:
    """Return whether an original was changed since it was protected, and has other pixels now.

    Args:
        post: the photo and its copy.
        line: what the manifest says of the copy.
    """
    if line is None or line.sha256_in in (None, post.original.sha256()):
        return False
    try:
        return shows_another(post.original.path, post.protected, line)
    except DecodeError:  # which is said where it is read
        return False


def said_of_originals(posts: Sequence[PostPair], protected: Path) -> list[str]:
    """Return a remark where copies are their originals to the byte, as after photos were copied the wrong way.

    Args:
        posts: the photos, each with its copy.
        protected: folder of the copies.

    Raises:
        CheckpointError: the report of the run that made them is damaged.
    """
    same = [post for post in posts if _are_equal(post.original.path, post.protected)]
    if not same:
        return []
    report = report_of(protected)
    remedy = "restore the copies from a backup, or protect the photos again"
    if report and not report.added:
        remedy = "protect --resume makes the copies again"
    are, example = "is its original" if len(same) == 1 else "are their originals", same[0].protected.name
    return [
        f"{len(same)} of the {len(posts)} copies in {protected}, such as {example}, "
        f"{are} to the byte, without noise: {remedy}"
    ]


def _are_equal(original: Path, copy: Path) -> bool:
    try:
        return filecmp.cmp(original, copy, shallow=False)
    except OSError:  # that one cannot be read is said where it is decoded
        return False


def read_both(post: PostPair) -> tuple[Picture, Picture]:
    """Return a photo before and after protection, both in the size, colours and opacity of the copy.

    Raises:
        InputError: one of both cannot be read, or the copy is no size that its original is reduced to; the message
            names it.
    """
    original, protected = _read(post.original.path), _read(post.protected)
    if not is_reduced(original, protected):
        sizes = [f"{picture.width} x {picture.height}" for picture in (original, protected)]
        raise InputError(
            f"{post.protected} is {sizes[1]}, its original {post.original.id} is {sizes[0]}",
            hint="pass the files as protect wrote them; use --through to test resizing",
        )
    return as_copied(original, protected), protected


def _read(path: Path) -> Picture:
    try:
        return decode(path)
    except DecodeError as error:
        hint = "pass the photos as protect read and wrote them, or protect them again"
        raise InputError(f"{path} cannot be read: {error.detail}", hint=hint) from error
