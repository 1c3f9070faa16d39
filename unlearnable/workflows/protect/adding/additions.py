"""Which posts of a data set an earlier result lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnable.datasets import Dataset, Photo, Skipped, named_as_told
from unlearnable.imaging.decode import DecodeError
from unlearnable.posts.initials import shortened
from unlearnable.posts.letters import plain
from unlearnable.results import ManifestLine
from unlearnable.results.protect import CHANGED
from unlearnable.wording.counts import named
from unlearnable.workflows.output.copies import shows_another
from unlearnable.workflows.protect.adding.earlier import Earlier

_NAMED = 3  # photos in a remark; the others are counted
_SEVERAL = "have other captions", "the published ones stay"


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


def additions(dataset: Dataset, earlier: Earlier) -> Dataset:
    """Return the posts that are new: neither content nor name of their photo is in the earlier manifest.

    A photo of a known name which has other pixels now, and one that is there under another name, are listed as left
    out; not one that has the name of a photo which is there under another now. One that the earlier run had left out is
    new if it or its captions have changed, or if it had changed or was gone while that run went on.

    Raises:
    """
    by_name = {line.source: line for line in earlier.lines if line.status == "skipped"}
    by_name |= {line.source: line for line in earlier.protected}
    by_content = {line.sha256_in: line for line in earlier.protected}
    known, new, left_out = recognised(dataset, earlier), set[str](), []
    renamed = names_now(dataset, earlier, known)
    for photo in dataset.photos:
        line = by_name.get(earlier.source_of(dataset.root, photo.id))
        if (own := known.get(photo.id)) and not (dataset.partial and _is_second(photo, own, earlier)):
            continue
        if same := by_content.get(photo.sha256() or ""):
            left_out.append(Skipped(photo.id, "same-photo", f"{same.output} is its copy already"))
        elif line is not None and line.status == "protected" and line.source not in renamed:
            if _is_another(photo, line, earlier):
                detail = f"{line.output} is a copy of it as it was; give it another name to add it"
                left_out.append(Skipped(photo.id, "changed-since", detail))
        elif line is None or line.reason == CHANGED or line.post != dataset.posts[photo.id]:
            new.add(photo.id)
    return dataset.of(new).lacking(left_out)


def _is_another(photo: Photo, line: ManifestLine, earlier: Earlier) -> bool:
    """Return whether a photo of another content than at first has other pixels now, or cannot be read."""
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


def said_of_published(dataset: Dataset, earlier: Earlier, names: Sequence[str]) -> list[str]:
    """Return remarks on published captions that stay: the user has others now, or wants a name in them as initials.

    Args:
        dataset: all posts of now.
        earlier: the earlier result.
        names: those that are to stand as initials.
    """
    return [*_said_of_corrected(dataset, earlier), *_said_of_names(earlier, names)]


def _said_of_corrected(dataset: Dataset, earlier: Earlier) -> list[str]:
    pairs, bare = dataset.pairs_by_photo(), dataset.uncaptioned
    changed = [
        photo
        for photo, line in recognised(dataset, earlier).items()
        if photo not in bare
        and line.post != dataset.posts[photo]
        and not all(any(pair.caption in text for text in line.captions) for pair in pairs[photo])
    ]
    if not changed:
        return []
    has, they = ("has another caption", "the published one stays") if len(changed) == 1 else _SEVERAL
    return [f"{named(changed, _NAMED)} {has} than when protected: {they}, --overwrite protects all anew"]


def _said_of_names(earlier: Earlier, names: Sequence[str]) -> list[str]:
    say = [line.source for line in earlier.protected if any(shortened(text, names) != text for text in line.captions)]
    if not say:
        return []
    stays = "the published ones stay, --overwrite protects all anew"
    return [f"earlier captions say a name that you want as initials ({named(say, _NAMED)}): {stays}"]


def names_now(dataset: Dataset, earlier: Earlier, known: Mapping[str, ManifestLine]) -> dict[str, str]:
    """Return what photos that were renamed are called now, by what the earlier manifest calls them.

    Args:
        dataset: the photos that are there.
        earlier: the earlier result.
        known: those of them that it has a copy of, see `recognised`.
    """
    names = {line.source: earlier.source_of(dataset.root, photo) for photo, line in known.items()}
    return {before: now for before, now in names.items() if before != now}


def _is_second(photo: Photo, line: ManifestLine, earlier: Earlier) -> bool:
    """Return whether the photo of a manifest line is there beside this one of its content, which then has no copy."""
    first = earlier.root / line.source
    return first.is_file() and not first.samefile(photo.path) and Photo(line.source, first).sha256() == line.sha256_in
