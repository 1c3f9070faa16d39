"""Protected copies beside their originals: which copy belongs to which photo, by the manifest or else by their names.

The private folder tells nothing else but what would make figures wrong, such as a run that was stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import as_copied, is_reduced
from unlearnable.posts import POSTS, Dataset, Photo, Skipped, named_as_told, open_dataset, restrict
from unlearnable.posts.names import plain
from unlearnable.protect.layout import METADATA, layout_beside, stem_of
from unlearnable.protect.photo import shows_another
from unlearnable.protect.records import read_manifest, read_record
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.wording import counted, storable

NOT_PROTECTED = "not-protected"  # why a photo is left out that came since the run


@dataclass(frozen=True)
class PostPair:
    """A photo with its captions, before and after protection."""

    original: Photo
    protected: Path
    clean: tuple[str, ...]
    published: tuple[str, ...]  # in the order of `clean`


def report_of(protected: Path) -> ProtectReport | None:
    """Return the report of the run that made the copies; None where there is none beside them."""
    try:
        return ProtectReport.model_validate_json(read_record(layout_beside(protected).report))
    except (OSError, ValueError):
        return None


def refuse_wrong_pair(originals: Path, protected: Path) -> None:
    """Refuse copies in the place of the originals, as their private folder tells, and those of an interrupted run."""
    with suppress(OSError):  # one of them is missing, which is reported where it is opened
        if (originals.parent if originals.is_file() else originals).samefile(protected):
            raise ConfigError(
                f"{protected} is given as originals and as their copies",
                hint="name the originals first, then the folder that protect wrote",
            )
    if report_of(originals) and not report_of(protected):
        raise ConfigError(f"{originals} is what protect wrote, and {protected} is not", hint="name the originals first")
    layout = layout_beside(protected)
    if layout.key_under_way() is not None and not layout.report.is_file():
        raise InputError(
            f"the run that writes {protected} was stopped and not finished",
            hint=f"protect it with {layout.continued_by} first",
        )


def as_protected(originals: Dataset, protected: Path) -> Dataset:
    """Return the originals as the run took them: the photos it was given, and faces under the names it published."""
    report, manifest = report_of(protected), layout_beside(protected).manifest
    if not manifest.is_file():
        return originals
    lines = read_manifest(manifest)
    taken = {line.source for line in lines} & {photo.id for photo in originals.photos}
    if report is not None and report.some_photos and taken:
        originals = restrict(originals, taken)
    if not originals.people:
        return originals
    captions = {line.sha256_in: [*map(plain, line.captions)] for line in lines if line.sha256_in}
    told = {photo.id: captions[content] for photo in originals.photos if (content := photo.sha256()) in captions}
    return named_as_told(originals, told, (text for texts in captions.values() for text in texts))


def open_protected(folder: Path, originals: Dataset, captions: Path | None) -> Dataset:
    """Open the protected posts, by default with the file named like that of the originals, or the metadata."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="pass the folder that protect wrote")
    if captions is not None:
        return open_dataset(folder, captions)
    report = report_of(folder)
    if report and "captions_found" in report.model_fields_set and originals.captioned > report.captions_found == 0:
        raise InputError(
            f"{folder} was made without the captions of {originals.root}",
            hint="protect the photos again with these captions",
        )
    in_several_files = originals.source is None and originals.captioned > 0
    names = (METADATA, POSTS) if in_several_files else filter(None, (originals.captions_file, METADATA))
    captions = next((folder / name for name in names if (folder / name).is_file()), None)
    if captions is None and not in_several_files:
        raise InputError(f"there are no captions in {folder}", hint="pass their caption file in place of the folder")
    return open_dataset(folder, captions)


def match(originals: Dataset, protected: Dataset) -> tuple[list[PostPair], list[Skipped]]:
    """Pair the photos, by content where they were renamed or moved, and their captions by order.

    Originals that protection left out or that came since are skipped, as are copies whose originals are gone or in
    another folder, by the manifest; any other copy without a partner is an error.
    """
    lines = _lines_of(protected)
    named = {photo: copy for photo, copy in _by_name(originals, protected).items() if copy not in lines}
    copies = named | _by_manifest(originals, lines)
    before, after = originals.captions_by_photo(), protected.captions_by_photo()
    uncaptioned = set[str]() if originals.people else originals.uncaptioned
    posts, skipped, used = [], [], set()
    for photo in originals.photos:
        copy = copies.get(photo.id)
        if copy is None:
            skipped.append(_left_out(photo, protected.root))
            continue
        used.add(copy)
        post = PostPair(photo, protected.root / copy, tuple(before[photo.id]), tuple(after[copy]))
        line = lines.get(copy)
        _check_captions(post, line, originals, captioned=photo.id not in uncaptioned)
        if photo.id in uncaptioned:
            skipped.append(Skipped(photo.id, "no-caption", "cannot be trained on or ranked"))
        elif _is_another(post, line):
            skipped.append(Skipped(photo.id, "changed-since", f"{copy} is a copy of it as it was"))
        else:
            posts.append(post)
    for copy in sorted({photo.id for photo in protected.photos} - used):
        source = lines[copy].source if copy in lines else None
        if source and source.startswith(("../", "/")):
            skipped.append(Skipped(source, "elsewhere", f"{copy} was added from another folder"))
        elif source and posts:
            skipped.append(Skipped(source, "no-original", f"{copy} is a copy of it, and it is gone"))
        else:
            message = f"{protected.root / copy} has no original in {originals.root}"
            raise InputError(message, hint="pass the folder that was protected")
    if not posts:
        raise InputError(
            f"no photo in {originals.root} has a caption, by which photos are ranked, and a copy in {protected.root}",
            hint="pass the folder that was protected, with its captions",
        )
    return posts, skipped


def _lines_of(protected: Dataset) -> dict[str, ManifestLine]:
    """Return the line of the manifest of each copy that is there; empty without a manifest."""
    there = {photo.id for photo in protected.photos}
    try:
        lines = read_manifest(layout_beside(protected.root).manifest)
    except OSError:
        return {}
    return {line.output: line for line in lines if line.output in there and line.output is not None}


def _by_manifest(originals: Dataset, lines: Mapping[str, ManifestLine]) -> dict[str, str]:
    """Return the copy of each original that the manifest tells of: by its content, or by its name if it was changed."""
    by_name = {line.source: copy for copy, line in lines.items()}
    named = {photo.id: copy for photo in originals.photos if (copy := by_name.get(storable(photo.id)))}
    contents = {photo.id: photo.sha256() for photo in originals.photos}
    same = {photo: copy for photo, copy in named.items() if lines[copy].sha256_in == contents[photo]}
    taken = set(same.values())
    free = {line.sha256_in: copy for copy, line in lines.items() if line.sha256_in and copy not in taken}
    renamed = {photo: free.pop(content) for photo, content in contents.items() if photo not in same and content in free}
    taken |= {*renamed.values()}
    return {photo: copy for photo, copy in named.items() if copy not in taken} | same | renamed


def _by_name(originals: Dataset, protected: Dataset) -> dict[str, str]:
    """Return the copy of each original with its name, else the one copy with its stem, as `protect` names files."""
    copies, stems = {photo.id for photo in protected.photos}, dict[str, list[str]]()
    for copy in copies - {photo.id for photo in originals.photos}:
        stems.setdefault(stem_of(copy), []).append(copy)
    found = {photo.id: photo.id for photo in originals.photos if photo.id in copies}
    for photo in originals.photos:
        own = stems.get(stem_of(photo.id), [])
        if photo.id not in found and len(own) == 1:
            found[photo.id] = own.pop()
    return found


def _check_captions(post: PostPair, line: ManifestLine | None, originals: Dataset, *, captioned: bool) -> None:
    """Refuse a copy whose captions are not those of its original with a trigger: other captions were read then."""
    photo, copy, root = post.original.id, post.protected.name, originals.root
    if not captioned:
        if line and any(text.strip() and text.casefold() != line.trigger.casefold() for text in post.published):
            raise InputError(
                f"{photo} has no caption in {root}, its protected copy has one",
                hint="pass what protect read with `captions`: its caption file, or embedded",
            )
    elif len(post.clean) != len(post.published):
        raise InputError(
            f"{photo} has {counted(len(post.clean), 'caption')}, its protected copy {copy} has {len(post.published)}",
            hint="pass the caption file that protect read, and the one that it wrote",
        )
    person = originals.people.get(photo)
    if person and person.key != person.name and not _contains(post.published[0], person.name):
        raise InputError(
            f"{photo} is captioned with the made-up name {person.name}, its copy is not",
            hint="pass the folder that was protected, with the photos of all its people",
        )


def _contains(published: str, clean: str) -> bool:
    """Return whether the published caption holds the clean one's words, or their initials, in order."""
    rest, words = (iter(re.findall(r"\w+", plain(text).casefold())) for text in (published, clean))
    return all(any(other in (word, word[0]) for other in rest) for word in words)


def _is_another(post: PostPair, line: ManifestLine | None) -> bool:
    """Return whether an original was changed since it was protected, and has other pixels now."""
    if line is None or line.sha256_in in (None, post.original.sha256()):
        return False
    try:
        return shows_another(post.original.path, post.protected, line)
    except DecodeError:  # reported where it is read
        return False


def _left_out(photo: Photo, protected: Path) -> Skipped:
    """Return the reason why this photo has no copy: what the run said, or that it came since."""
    report = report_of(protected)
    for one in report.skipped if report else ():
        if one.where == storable(photo.id):
            return Skipped(photo.id, one.reason, one.detail)
    try:
        decode(photo.path)
    except DecodeError as error:
        return Skipped(photo.id, error.reason, error.detail)
    return Skipped(photo.id, NOT_PROTECTED, f"it has no copy in {protected}")


def read_both(post: PostPair) -> tuple[Picture, Picture]:
    """Return a photo before and after protection, both in the size, colours and opacity of the copy."""
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
