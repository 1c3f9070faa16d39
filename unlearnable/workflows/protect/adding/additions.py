"""Which posts of a data set an earlier result lacks."""

from __future__ import annotations

from dataclasses import replace

from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset, Photo, Skipped, named_as_told
from unlearnable.disk import entries
from unlearnable.imaging.opening import DecodeError
from unlearnable.posts.name_styles import plain, written
from unlearnable.results import ManifestLine
from unlearnable.results.protect import CHANGED
from unlearnable.wording.counts import named
from unlearnable.workflows.output.copies import shows_another
from unlearnable.workflows.protect.adding.earlier import Earlier

_NAMED = 3  # photos in a remark; the others are counted


def recognised(dataset: Dataset, earlier: Earlier) -> dict[str, ManifestLine]:
    """Return the photos of which the earlier result has a copy, with their manifest lines: by content, one a copy."""
    by_name = {line.source: line for line in earlier.protected}
    by_content = {line.sha256_in: line for line in earlier.protected}
    found: dict[str, ManifestLine] = {}
    unnamed: dict[str, str] = {}
    for photo in dataset.photos:
        line, content = by_name.get(earlier.source_of(dataset.root, photo.id)), photo.sha256() or ""
        if line is not None and line.sha256_in == content:
            found[photo.id] = line
        elif content in by_content:
            unnamed[photo.id] = content
    taken = {line.sha256_in for line in found.values()}
    for photo_id, content in unnamed.items():
        if content not in taken:
            taken.add(content)
            found[photo_id] = by_content[content]
    return found


def with_names_of_now(earlier: Earlier, dataset: Dataset) -> Earlier:
    """Return the earlier result whose manifest calls photos that were renamed or moved since by their present names."""
    now = {}
    for photo, line in recognised(dataset, earlier).items():
        name = earlier.source_of(dataset.root, photo)
        if name != line.source and Photo(line.source, earlier.root / line.source).sha256() != line.sha256_in:
            now[line.source] = name
    lines = [line.model_copy(update={"source": now.get(line.source, line.source)}) for line in earlier.lines]
    return replace(earlier, lines=lines)


def additions(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return the posts that are new: neither content nor name of their photo is in the earlier manifest.

    A photo of a known name that has other pixels now is listed as left out, and so is a second file of a known photo.
    A photo that the earlier run left out is new once it or its captions have changed.
    """
    by_name = {line.source: line for line in earlier.lines if line.status == "skipped"}
    by_name |= {line.source: line for line in earlier.protected}
    by_content = {line.sha256_in: line for line in earlier.protected}
    new, left_out = set[str](), []
    for photo in dataset.photos:
        line, content = by_name.get(earlier.source_of(dataset.root, photo.id)), photo.sha256() or ""
        if line is not None and line.status == "protected":
            if content != line.sha256_in and _is_another(photo, line, earlier):
                detail = f"{line.output} is a copy of it as it was; give it another name to add it"
                left_out.append(Skipped(photo.id, "changed-since", detail))
        elif same := by_content.get(content):
            left_out.append(Skipped(photo.id, "same-photo", f"{same.output} is its copy already"))
        elif line is None or line.reason == CHANGED or line.post != dataset.posts[photo.id]:
            new.add(photo.id)
    return dataset.of(new).lacking(left_out)


def _is_another(photo: Photo, line: ManifestLine, earlier: Earlier) -> bool:
    """Return whether a photo whose file has changed has other pixels now, or cannot be read."""
    try:
        return shows_another(photo.path, earlier.records.output / str(line.output), line)
    except DecodeError:
        return True


def named_as_before(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return all posts of now: of faces, everyone under the invented name of the earlier captions, others under new."""
    if not dataset.people:
        return dataset
    told = {photo: [*map(plain, line.captions)] for photo, line in recognised(dataset, earlier).items()}
    return named_as_told(dataset, told, (plain(text) for line in earlier.protected for text in line.captions))


def notes_on_published(dataset: Dataset, earlier: Earlier, settings: ProtectSettings) -> list[str]:
    """Return notes on published copies and captions that stay although their photo or caption is another now.

    Args:
        dataset: all posts of now.
        earlier: the earlier result, with the names of now.
        settings: with the names that are to be written in another way.
    """
    gone = [str(line.output) for line in earlier.protected if not entries.exists(earlier.root / line.source)]
    pairs, bare = dataset.pairs_by_photo(), dataset.uncaptioned
    corrected = [
        photo
        for photo, line in recognised(dataset, earlier).items()
        if photo not in bare
        and line.post != dataset.posts[photo]
        and not all(any(pair.caption in text for text in line.captions) for pair in pairs[photo])
    ]
    say = [
        line.source
        for line in earlier.protected
        if any(written(text, settings.name, settings.names) != text for text in line.captions)
    ]
    anew = "--overwrite protects all anew"
    notes = []
    if 0 < len(gone) < len(earlier.protected):  # if all are gone, they may be on another disk
        notes.append(f"published, although the original is gone: {named(sorted(gone), _NAMED)}; {anew} without them")
    if corrected:
        notes.append(f"published with an earlier caption: {named(corrected, _NAMED)}; {anew}")
    if say:
        notes.append(f"published with a name that you want otherwise: {named(say, _NAMED)}; {anew}")
    return notes
