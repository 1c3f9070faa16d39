"""What the exports in a folder say of its photos where the captions come from elsewhere, or cannot be read."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.posts.assembly import IN_NO_POST, with_unnamed, with_unnamed_counted
from unlearnable.posts.export import Export
from unlearnable.posts.readers import FORMATS
from unlearnable.posts.readers.folder import FOLDER
from unlearnable.posts.readers.takeout import TAKEOUT
from unlearnable.posts.tree import WITHHELD
from unlearnable.posts.types import Dataset, Skipped
from unlearnable.wording import it_and_others

# Where Instagram and Facebook, X, Google and older Instagram keep photos of messages, and Instagram what was deleted
_KEPT_APART = re.compile(
    r"(.*/)?(messages/(inbox|archived_threads|filtered_threads|message_requests|e2ee_cutover)"
    r"|direct_messages(_group)?_media|Google Chat/Groups|direct/\d{6}|media/recently_deleted)/.*"
)


def without_messages(dataset: Dataset) -> Dataset:
    """Return the data set of a whole folder without the photos that an export in it keeps apart from posts, counted.

    Raises:
        InputError: there are such photos, and no posts that can be read.
    """
    private = _private(dataset)
    if private and dataset.format == FOLDER.name:
        raise InputError(
            f"{dataset.root} is an export whose posts cannot be read, and {private[0]} belongs to none of them",
            hint="ask for it in the format JSON (HTML cannot be read), or give the folder of the photos you posted",
        )
    return _without_private(dataset, private)


def with_publishable(dataset: Dataset) -> Dataset:
    """Return the data set together with the photos of its folder that its captions do not name.

    Left out is what the exports in the folder do not publish: what lies in the trash of Google Photos, even if
    a caption names it, and what neither a caption nor a post names, such as the photos of messages.
    """
    root = dataset.root
    if TAKEOUT.sniff(root):
        withheld = [skip for skip in TAKEOUT.read(root, root).skipped if skip.reason == WITHHELD]
        dataset = _without(dataset, [skip.where for skip in withheld], withheld)
    exports = [one for one in FORMATS.values() if isinstance(one, Export) and one.sniff(root)]
    if exports:
        posted = {photo for one in exports for photo in _posted(one, root)}
        return with_unnamed_counted(with_unnamed(dataset, posted))
    meant = {photo.id for photo in dataset.photos}
    whole = with_unnamed(dataset)
    return _without_private(whole, [photo for photo in _private(whole) if photo not in meant])


def _private(dataset: Dataset) -> list[str]:
    return [photo.id for photo in dataset.photos if _KEPT_APART.fullmatch(photo.id)]


def _without_private(dataset: Dataset, photos: list[str]) -> Dataset:
    if not photos:
        return dataset
    which = it_and_others(len(photos), "is of messages, or was deleted", "are of messages, or were deleted")
    return _without(dataset, photos, [Skipped(photos[0], IN_NO_POST, which)])


def _posted(export: Export, root: Path) -> list[str]:
    try:
        return [photo.id for photo in export.read(root, root).photos]
    except InputError:  # it cannot be read, or names no photo that is there
        return []


def _without(dataset: Dataset, gone: Collection[str], skipped: Collection[Skipped]) -> Dataset:
    kept = {photo.id for photo in dataset.photos}.difference(gone)
    return dataset.of(kept).lacking(skipped)
