"""Match protected photos and captions with their originals: by the manifest where it is there, else by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.encode import choose_encoding
from unlearnable.imaging.picture import Picture
from unlearnable.posts import POSTS, Dataset, Photo, Skipped, open_dataset
from unlearnable.posts.names import plain
from unlearnable.protect.layout import METADATA, SMALLEST, OutputNames, stem_of
from unlearnable.report import ManifestLine
from unlearnable.storage import checksums
from unlearnable.verify.copies import PostPair, copies_told, is_another, lines_of, report_of
from unlearnable.wording import counted, storable

NOT_PROTECTED = "not-protected"  # why a photo is left out that came since the run


def open_protected(folder: Path, originals: Dataset, captions: Path | None) -> Dataset:
    """Open the protected posts, with captions from a file named like the original one, completed by metadata.jsonl.

    Raises:
        InputError: there is no such folder or no caption file.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="pass the folder that protect wrote")
    in_several_files = originals.source is None and originals.captioned > 0
    if captions is None and in_several_files:
        together = (folder / name for name in (METADATA, POSTS))
        return open_dataset(folder, next((path for path in together if path.is_file()), None))
    if captions is None:
        names = filter(None, (originals.captions_file, METADATA))
        captions = next((folder / name for name in names if (folder / name).is_file()), None)
    if captions is None:
        if not originals.captioned:
            raise InputError(
                f"there are no captions in {originals.root}, nor in {folder}",
                hint="pass the caption files in place of the folders",
            )
        raise InputError(f"there are no captions in {folder}", hint="pass their caption file in place of the folder")
    return open_dataset(folder, captions)


def match(originals: Dataset, protected: Dataset) -> tuple[list[PostPair], list[Skipped]]:
    """Pair the photos by path and stem, those that were renamed or moved by content, and their captions by order.

    Originals that protection left out (they cannot be decoded, are too small, were protected already, or came since)
    are skipped, as are copies whose originals are gone, by the manifest; any other copy without a partner is an error.

    Raises:
        InputError: a copy has no partner, no original has one, or one has not as many captions as its partner; the
            message names the file.
    """
    lines = lines_of(protected)
    sources = {copy: line.source for copy, line in lines.items()}
    named = {photo: copy for photo, copy in _partners(originals, protected).items() if copy not in sources}
    copies = named | copies_told(originals, lines)
    before, after = originals.captions_by_photo(), protected.captions_by_photo()
    posts, skipped, used = [], [], set()
    uncaptioned = set[str]() if originals.people else originals.uncaptioned
    for photo in originals.photos:
        copy = copies.get(photo.id)
        if copy is None:
            skipped.append(_left_out(photo, protected, lines.values()))
            continue
        used.add(copy)
        if photo.id in uncaptioned:
            _refuse_caption_of_none(photo, after[copy], lines.get(copy), originals.root)
            skipped.append(Skipped(photo.id, "no-caption", "cannot be trained on or ranked"))
            continue
        post = PostPair(photo, protected.root / copy, tuple(before[photo.id]), tuple(after[copy]))
        _refuse_other_number(post, copy)
        if is_another(post, lines.get(copy)):
            skipped.append(Skipped(photo.id, "changed-since", f"{copy} is a copy of it as it was"))
            continue
        posts.append(post)
        _refuse_other_name(post, originals)
    added = {copy for copy, source in sources.items() if source.startswith(("../", "/"))}
    skipped += [Skipped(sources[copy], "elsewhere", f"{copy} was added from another folder") for copy in added - used]
    unmatched = sorted({photo.id for photo in protected.photos} - used - added)
    if strange := [copy for copy in unmatched if copy not in lines or not posts]:
        raise InputError(
            f"{protected.root / strange[0]} has no original in {originals.root}",
            hint="pass the folder that was protected",
        )
    if not posts and (bare := next((one for one in skipped if one.reason == NOT_PROTECTED), None)):
        raise InputError(
            f"{bare.where} has no protected copy in {protected.root}", hint="pass the folder that was protected"
        )
    if not posts and (bare := next((one for one in skipped if one.reason == "no-caption"), None)):
        raise InputError(
            f"no photo in {originals.root} has a caption, such as {bare.where}: photos are ranked by captions",
            hint="give them captions, and protect them with these",
        )
    skipped += [Skipped(sources[copy], "no-original", f"{copy} is a copy of it, and it is gone") for copy in unmatched]
    return posts, skipped


def _refuse_other_number(post: PostPair, copy: str) -> None:
    """Refuse a copy that has more or fewer captions than its original."""
    if len(post.clean) != len(post.published):
        raise InputError(
            f"{post.original.id} has {counted(len(post.clean), 'caption')}, "
            f"its protected copy {copy} has {len(post.published)}",
            hint="pass the caption file that protect read, and the one that it wrote",
        )


def _refuse_other_name(post: PostPair, originals: Dataset) -> None:
    """Refuse a copy whose captions do not have the invented name that the captions of its original have."""
    person = originals.people.get(post.original.id)
    if person and person.key != person.name and not _contains(post.published[0], person.name):
        raise InputError(
            f"{post.original.id} is captioned with the made-up name {person.name}, its copy is not",
            hint="pass the folder that was protected, with the photos of all its people",
        )


def _refuse_caption_of_none(photo: Photo, published: Sequence[str], line: ManifestLine | None, root: Path) -> None:
    """Refuse a copy with more than the added words where the original has no caption: other captions were read then."""
    if line and any(text.strip() and text.casefold() != line.trigger.casefold() for text in published):
        raise InputError(
            f"{photo.id} has no caption in {root}, its protected copy has one",
            hint="pass what protect read with `captions`: its caption file, or embedded",
        )


def _partners(originals: Dataset, protected: Dataset) -> dict[str, str]:
    """Return the copy of every original that has one, by the rule that `protect` uses to name its files."""
    copies = {photo.id for photo in protected.photos}
    suffixes: dict[str, set[str]] = {}
    for copy in copies:
        for stem in (stem_of(copy), re.sub(r"[-.]\d+$", "", stem_of(copy))):  # numbered where its name was another's
            suffixes.setdefault(stem, set()).add(PurePosixPath(copy).suffix)
    several = {stem for stem, count in Counter(stem_of(photo.id) for photo in originals.photos).items() if count > 1}
    sources = []
    for photo in originals.photos:
        stem = stem_of(photo.id)
        written = suffixes.get(stem, set())
        picture = _decoded(photo) if stem in several or len(written) > 1 else None
        if stem in several and picture is None:
            continue  # protection left it out, so that it used up no name
        own = choose_encoding(picture, "auto").suffix if picture else ""  # asked of several kinds alone
        sources.append((photo.id, own if own in written else min(written, default="")))
    ids = (photo.id for photo in originals.photos)
    names = OutputNames(ids, originals.captions_file)
    return {photo: copy for photo, suffix in sources if (copy := names.give(photo, suffix)) in copies}


def _contains(published: str, clean: str) -> bool:
    """Return whether the published caption holds the clean one's words, or their initials, in order."""
    rest, words = (iter(re.findall(r"\w+", plain(text).casefold())) for text in (published, clean))
    return all(any(other in (word, word[0]) for other in rest) for word in words)


def _decoded(photo: Photo) -> Picture | None:
    try:
        return decode(photo.path)
    except DecodeError:
        return None


def _left_out(photo: Photo, protected: Dataset, lines: Collection[ManifestLine]) -> Skipped:
    """Return the reason why this photo has no copy; it may have come since the run."""
    report = report_of(protected.root)
    for one in report.skipped if report else ():
        if one.where == storable(photo.id):
            return Skipped(photo.id, one.reason, one.detail)
    try:
        picture = decode(photo.path)
    except DecodeError as error:
        return Skipped(photo.id, error.reason, error.detail)
    if min(picture.height, picture.width) < SMALLEST:
        return Skipped(photo.id, "too-small", f"{picture.width} x {picture.height}")
    content = checksums.sha256(photo.path)
    if same := next((line.output for line in lines if line.sha256_in == content), None):
        return Skipped(photo.id, "same-photo", f"{same} is its copy already")
    if any(line.sha256_out == content for line in lines):
        return Skipped(photo.id, "already-protected", "made by this tool")
    return Skipped(photo.id, NOT_PROTECTED, f"it has no copy in {protected.root}")
