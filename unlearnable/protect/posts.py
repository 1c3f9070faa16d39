"""What is to be protected: the paths of a run, its posts, and where their captions come from."""

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from unlearnable import posts
from unlearnable.errors import ConfigError, InputError
from unlearnable.posts.tree import folders_left_out, other_files, other_files_note, refusal
from unlearnable.protect.layout import METADATA, Layout, folded, layout_of
from unlearnable.settings import ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

PHOTOS_ALONE = frozenset({"folder", "embedded"})  # formats in which nothing beside the photos is read
_ONE_KIND = (
    "give one folder, one caption file, or photos of one folder; "
    "`captions` names the captions of a folder, `output` the place of the copies"
)
_CAPTIONS_FROM = {  # of captions in several files, by their format
    "sidecar": "captions from the text file beside each photo",
    "embedded": f"captions from the descriptions in the photos themselves: the new ones are in {METADATA} alone",
}


@dataclass(frozen=True)
class Source:
    """Where the posts of a run are, and which of them it takes."""

    place: Path  # folder of photos, or a caption file that names them
    chosen: tuple[str, ...] = ()  # ids of the photos to take from that folder; empty for all
    only: tuple[str, ...] = ()  # patterns: a photo must match one; empty for any
    skip: tuple[str, ...] = ()  # patterns that neither it nor a folder of it must match

    def takes(self, photo: str) -> bool:
        """Return whether the patterns take a photo, by its path in the folder or by its name alone."""
        return (not self.only or any(_fits(photo, pattern) for pattern in self.only)) and not self.leaves_out(photo)

    def leaves_out(self, path: str) -> bool:
        """Return whether a photo or folder is one to skip, or lies in one."""
        folders = list(map(str, PurePosixPath(path).parents))[:-1]
        return any(_fits(one, pattern) for one in (path, *folders) for pattern in self.skip)


def _fits(path: str, pattern: str) -> bool:
    """Return whether a pattern matches a path in the folder, or the name at its end, in any case and encoding."""
    path, pattern = folded(path), folded(pattern.replace(os.sep, "/").removeprefix("./").rstrip("/"))
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)


def source_of(paths: Sequence[Path], only: Sequence[str] = (), skip: Sequence[str] = ()) -> Source:
    """Return what the paths of a run stand for; patterns such as `*.jpg` stand for the files they match.

    `only` and `skip` are patterns of the photos to take of those, and to leave out.
    """
    expanded = [path for pattern in paths for path in _matching(pattern)]
    first = expanded[0]
    if not first.exists():
        raise files.missing(first)
    if len(expanded) == 1 and (first.is_dir() or not posts.is_photo(first.name)):
        if refused := refusal(first):
            raise refused
        return Source(first, only=tuple(only), skip=tuple(skip))
    for path in expanded:
        if path.is_dir() or not posts.is_photo(path.name):
            raise ConfigError(f"{path} is not a photo, but one of several paths", hint=_ONE_KIND)
        if not path.exists():
            raise files.missing(path)
        if not path.is_file() or path.name.startswith("."):
            raise InputError(f"{path} is hidden or not a regular file", hint="give a photo or a folder")
        if path.parent.resolve() != first.parent.resolve():
            raise ConfigError(f"{first} and {path} lie in different folders", hint=_ONE_KIND)
    return Source(first.parent, tuple(sorted({path.name for path in expanded})), tuple(only), tuple(skip))


def _matching(pattern: Path) -> list[Path]:
    """Return the files that a pattern matches, or the path itself where it is none.

    A folder on the way that is there by its very name, such as `trip [2026]`, is not a pattern.
    """
    if pattern.exists() or not glob.has_magic(str(pattern)):
        return [pattern]
    folder = next((one for one in pattern.parents if one.is_dir()), Path())
    within = Path(glob.escape(str(folder)), pattern.relative_to(folder))
    matching = sorted(map(Path, glob.glob(str(within))))  # noqa: PTH207  (a pattern may be absolute)
    if not matching:
        raise InputError(f"no file matches {pattern}", hint="check the path")
    return matching


def places_of(settings: ProtectSettings) -> tuple[Source, Layout]:
    """Return where the posts of a run are, and its folders; errors are those of `source_of` and `layout_of`."""
    source = source_of(settings.photos, settings.only, settings.skip)
    return source, layout_of(source.place, settings.output)


def root_of(layout: Layout, settings: ProtectSettings) -> Path | None:
    """Return the folder of the originals of a finished run: beside its output or where it was; None if it is gone."""
    beside = layout.output.with_name(layout.output.name.removesuffix("-protected"))
    if settings.output is None and beside != layout.output and beside.is_dir():
        return beside.resolve()
    with suppress(InputError, OSError):  # it is gone, or this user may not look there
        first = _matching(settings.photos[0])[0]
        if first.exists():
            return (first if first.is_dir() else first.parent).resolve()
    return None


def open_posts(source: Source, settings: ProtectSettings, progress: Progress) -> posts.Dataset:
    """Open the posts with their captions, and note where these come from and how many photos have one of the user's."""
    folder, captions = source.place, settings.captions or _captions_in(source)
    whole = (
        posts.open_chosen(folder, source.chosen, captions) if source.chosen else posts.open_dataset(folder, captions)
    )
    if captions is None and folder.is_dir() and whole.format == "folder":
        posts.refuse_unreadable(folder, [photo.id for photo in whole.photos])
    dataset = whole
    if source.only or source.skip:
        taken = [photo.id for photo in whole.photos if source.takes(photo.id)]
        if not taken:
            photos = counted(len(whole.photos), "photo")
            raise InputError(f"`only` and `skip` leave none of {photos}", hint="check the patterns")
        dataset = posts.restrict(whole, taken)
    if not source.chosen:
        dataset = dataset.lacking(one for one in folders_left_out(whole.root) if not source.leaves_out(one.where))
    if not source.chosen and folder.is_dir():
        own = {*dataset.files, *(posts.text_beside(photo.path) for photo in dataset.photos)}
        dataset = replace(dataset, others=other_files(folder, own))
    for line in _notes(dataset, settings, given=len(whole.photos)):
        progress.note(line)
    return dataset


def _captions_in(source: Source) -> Path | None:
    """Return the one caption file in the folder, or the folder where photos have text files beside them; or None."""
    folder = source.place
    if not folder.is_dir():
        return None
    captions = posts.only_captions(folder, ConfigError)
    if source.chosen:
        has_texts = any(posts.text_beside(folder / photo) for photo in source.chosen)
    else:
        has_texts = posts.FORMATS["sidecar"].sniff(folder)
    if captions is None:
        return folder if has_texts else None
    if has_texts:
        raise ConfigError(
            f"{folder} holds captions in {captions.name} and in text files beside its photos",
            hint=f"choose with `captions={str(folder / captions.name)!r}`, or move {captions.name} elsewhere",
        )
    return captions


def _notes(dataset: posts.Dataset, settings: ProtectSettings, given: int) -> Iterator[str]:
    """Yield where the captions come from, and what is not taken of what is there."""
    if dataset.source is not None and dataset.source.is_file():
        yield f"captions from {dataset.source.name}"
    elif dataset.format in _CAPTIONS_FROM:
        yield _CAPTIONS_FROM[dataset.format]
    yield from dataset.notes
    yield from field_notes(dataset.fields, settings.keep_fields)
    if len(dataset.photos) < given:
        yield f"`only` and `skip` take {len(dataset.photos)} of {counted(given, 'photo')}"
    if dataset.captioned < len(dataset.photos):
        yield captions_note(dataset)
    if dataset.others:
        yield other_files_note(dataset.others)


def field_notes(fields: Sequence[str], keep: Sequence[str]) -> list[str]:
    """Return notes on the other fields of the caption file, by their names, and on names to keep that none has."""
    kept, names = {name.casefold() for name in keep}, {name.casefold() for name in fields}
    left = [name for name in fields if name.casefold() not in kept]
    verb = "is" if len(left) == 1 else "are"
    notes = [f"{counted(len(left), 'other field')} {verb} not published (`keep_fields` keeps them)"] if left else []
    return [*notes, *(f"`keep_fields={name!r}`: no such field" for name in keep if name.casefold() not in names)]


def captions_note(dataset: posts.Dataset) -> str:
    """Return a line on how many photos have a caption of the user's, and what the others get."""
    what = "a caption with an invented name" if dataset.people else "the added words alone"
    photos = counted(len(dataset.photos), "photo")
    return f"captions of yours: {dataset.captioned} of {photos}; without one a photo gets {what}"
