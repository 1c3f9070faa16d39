"""Protected copies beside their originals: what the private folder tells of them, and both as photos."""

from __future__ import annotations

import filecmp
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import as_copied, is_reduced
from unlearnable.posts import Dataset, Photo, named_as_told, restrict
from unlearnable.posts.names import plain
from unlearnable.protect.layout import layout_beside
from unlearnable.protect.records import read_manifest, read_record, shows_another
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.wording import storable


def report_of(protected: Path) -> ProtectReport | None:
    """Return the report of the run that made the copies; None where there is none beside them.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        return ProtectReport.model_validate_json(read_record(layout_beside(protected).report))
    except (OSError, ValueError):
        return None


def refuse_exchanged(originals: Path, protected: Path) -> None:
    """Refuse the copies in the place of the originals: figures would say what the originals protect from, or nothing.

    Raises:
        ConfigError: both are one folder, however it is spelt; or `protect` wrote the originals, as their private folder
            tells, and not the copies.
        CheckpointError: the report of the run is damaged.
    """
    with suppress(OSError):  # one of them is not there, which is said where it is opened
        if (originals.parent if originals.is_file() else originals).samefile(protected):
            raise ConfigError(
                f"{protected} is given as originals and as their copies",
                hint="name the originals first, then the folder that protect wrote",
            )
    if report_of(originals) and not report_of(protected):
        raise ConfigError(f"{originals} is what protect wrote, and {protected} is not", hint="name the originals first")


def refuse_unfinished(protected: Path) -> None:
    """Refuse mixed outputs of an interrupted run: figures would be of both results.

    Raises:
        InputError: it is so.
        CheckpointError: a record of the run is damaged.
    """
    layout = layout_beside(protected)
    if layout.key_under_way() is not None and not layout.report.is_file():
        raise InputError(
            f"the run that writes {protected} was stopped and not finished",
            hint=f"protect it with {layout.goes_on_with} first",
        )


def refuse_made_without_captions(originals: Dataset, protected: Path) -> None:
    """Refuse captions of the originals that the run did not have: figures would compare them with made-up ones.

    Raises:
        InputError: originals have captions, and the run that made the copies found none.
        CheckpointError: the report of the run is damaged.
    """
    report = report_of(protected)
    if report is None or "captions_found" not in report.model_fields_set or report.captions_found:
        return
    if originals.captioned:
        raise InputError(
            f"{protected} was made without the captions of {originals.root}",
            hint="protect the photos again with these captions",
        )


def lines_of(protected: Dataset) -> dict[str, ManifestLine]:
    """Return the line of the manifest of each copy that is there; empty without a manifest.

    Raises:
        CheckpointError: it is damaged.
    """
    there = {photo.id for photo in protected.photos}
    try:
        lines = read_manifest(layout_beside(protected.root).manifest)
    except OSError:
        return {}
    return {line.output: line for line in lines if line.output in there and line.output is not None}


def copies_told(originals: Dataset, lines: Mapping[str, ManifestLine]) -> dict[str, str]:
    """Return the copy of each original that the manifest tells of: by its content, or by its name if it was changed.

    Args:
        originals: the photos; some may have been renamed, moved or changed since.
        lines: the line of each copy, see `lines_of`.
    """
    by_name = {line.source: copy for copy, line in lines.items()}
    named = {photo.id: copy for photo in originals.photos if (copy := by_name.get(storable(photo.id)))}
    contents = {photo.id: photo.sha256() for photo in originals.photos}
    same = {photo: copy for photo, copy in named.items() if lines[copy].sha256_in == contents[photo]}
    taken = set(same.values())
    free = {line.sha256_in: copy for copy, line in lines.items() if line.sha256_in and copy not in taken}
    renamed = {photo: free.pop(content) for photo, content in contents.items() if photo not in same and content in free}
    taken |= {*renamed.values()}
    return {photo: copy for photo, copy in named.items() if copy not in taken} | same | renamed


def given_to_protect(originals: Dataset, protected: Path) -> Dataset:
    """Return the originals without the photos that the run did not take, where it was given some photos of a folder."""
    report = report_of(protected)
    if report is None or not report.some_photos:
        return originals
    taken = {line.source for line in read_manifest(layout_beside(protected).manifest)}
    ids = {photo.id for photo in originals.photos}
    return restrict(originals, taken & ids) if taken & ids else originals


def named_as_published(originals: Dataset, protected: Path) -> Dataset:
    """Return the originals under the invented names that the run published, where they are faces.

    Raises:
        CheckpointError: the manifest is damaged.
    """
    manifest = layout_beside(protected).manifest
    if not originals.people or not manifest.is_file():
        return originals
    captions = {line.sha256_in: [*map(plain, line.captions)] for line in read_manifest(manifest) if line.sha256_in}
    told = {photo.id: captions[content] for photo in originals.photos if (content := photo.sha256()) in captions}
    return named_as_told(originals, told, (text for texts in captions.values() for text in texts))


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
        remedy = "protect with `resume=True` makes the copies again"
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
            hint="pass the files as protect wrote them; use `through` to test resizing",
        )
    return as_copied(original, protected), protected


def _read(path: Path) -> Picture:
    try:
        return decode(path)
    except DecodeError as error:
        hint = "pass the photos as protect read and wrote them, or protect them again"
        raise InputError(f"{path} cannot be read: {error.detail}", hint=hint) from error
