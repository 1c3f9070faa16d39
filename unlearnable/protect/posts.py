"""What is to be protected: the paths of a run, its posts, and where their captions come from."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from unlearnable.errors import ConfigError, InputError
from unlearnable.posts import (
    FORMATS,
    Dataset,
    Skipped,
    captions_of_others,
    is_photo,
    only_captions,
    open_chosen,
    open_dataset,
    refuse_unreadable,
    repeats_texts,
    restrict,
    text_beside,
)
from unlearnable.posts.tree import UNREADABLE, WITHHELD, not_here, other_files, other_files_note, refusal
from unlearnable.protect.layout import METADATA, Layout, folded, is_of_a_run, layout_in, layout_of
from unlearnable.settings import ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

_ONE_KIND = "give one folder, one caption file, or photos of one folder; the captions of a folder are `captions`"


@dataclass(frozen=True)
class Source:
    """Where the posts of a run are.

    Attributes:
        place: folder of photos, or a caption file that names them.
        chosen: ids of the photos to take from that folder; empty for all.
        only: patterns of which a photo must match one; empty for any.
        skip: patterns of which neither it nor a folder of it must match any.
    """

    place: Path
    chosen: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def takes(self, photo: str) -> bool:
        """Return whether the patterns take a photo, by its path in the folder or by its name alone."""
        return (not self.only or any(_fits(photo, pattern) for pattern in self.only)) and not self.leaves_out(photo)

    def leaves_out(self, path: str) -> bool:
        """Return whether a photo or folder is one to skip, or lies in one."""
        return any(_fits_on_the_way(path, pattern) for pattern in self.skip)

    def without_use(self, photos: Sequence[str]) -> list[str]:
        """Return the options whose patterns fit none of these photos and folders, which may be a slip."""
        tried = [(f"`only={one!r}`", one, _fits) for one in self.only]
        tried += [(f"`skip={one!r}`", one, _fits_on_the_way) for one in self.skip]
        return [option for option, pattern, fits in tried if not any(fits(photo, pattern) for photo in photos)]


def source_of(paths: Sequence[Path], only: Sequence[str] = (), skip: Sequence[str] = ()) -> Source:
    """Return what the paths of a run stand for; patterns such as `*.jpg` stand for the files they match.

    Args:
        paths: a folder, a caption file, or photos of one folder.
        only: patterns of the photos to take of those; empty for all.
        skip: patterns of the photos to leave out.

    Raises:
        InputError: a pattern matches no file, or a path does not exist, or is a video or a raw photo.
        ConfigError: there are several paths that are not all photos of one folder.
    """
    expanded = [path for pattern in paths for path in _matching(pattern)]
    first = expanded[0]
    if not first.exists():
        raise _missing(first, paths)
    if len(expanded) == 1 and (first.is_dir() or not is_photo(first.name)):
        if refused := refusal(first):
            raise refused
        return Source(first, only=tuple(only), skip=tuple(skip))
    if len(expanded) == 2 and first.is_dir() and not is_photo(expanded[1].name):
        raise ConfigError(
            f"{expanded[1]} is not a photo: only PHOTOS stands without an option",
            hint=f"to write the copies there: `output={str(expanded[1])!r}`",
        )
    for path in expanded:
        if not path.exists():
            raise files.missing(path)
        if not path.is_dir() and not path.is_file():
            raise InputError(f"{path} is no regular file", hint="give a photo or a folder")
        if path.is_dir() or not is_photo(path.name):
            raise ConfigError(f"{path} is no photo, but one of several paths", hint=_ONE_KIND)
        if path.name.startswith("."):
            raise InputError(
                f"{path} is a hidden file, and those are left out", hint="rename it, without the first dot"
            )
        if path.parent.resolve() != first.parent.resolve():
            raise ConfigError(f"{first} and {path} lie in different folders", hint=_ONE_KIND)
    return Source(first.parent, tuple(sorted({path.name for path in expanded})), tuple(only), tuple(skip))


def _missing(path: Path, given: Sequence[Path]) -> InputError:
    """Return what to say of a path that is not there, also where one with blanks was typed without double quotes."""
    error, whole = files.missing(path), " ".join(map(str, given)).strip("'\"")
    if files.exists(Path(whole)):
        error.hint = f'put double quotes around a path with blanks: "{whole}"'
    return error


def places_of(settings: ProtectSettings) -> tuple[Source, Layout]:
    """Return where the posts of a run are, and its folders; errors are those of `source_of` and `layout_of`."""
    source = source_of(settings.photos, settings.only, settings.skip)
    return source, layout_of(source.place, settings.output)


def root_of(layout: Layout, settings: ProtectSettings) -> Path:
    """Return the folder of the originals of a run, wherever it has been moved together with its result.

    Args:
        layout: folders of the run.
        settings: its settings.
    """
    beside = layout.output.with_name(layout.output.name.removesuffix("-protected"))
    if settings.output is None and beside != layout.output and beside.is_dir():
        return beside.resolve()
    for path in (_taken_along(settings.photos[0], layout, settings), settings.photos[0]):
        with suppress(InputError, OSError):  # it is gone, or this user may not look there
            first = _matching(path)[0]
            if first.exists():
                return (first if first.is_dir() else first.parent).resolve()
    return beside


def _taken_along(path: Path, layout: Layout, settings: ProtectSettings) -> Path:
    """Return a path of a run that lies to its output as it did, wherever both have been moved or copied together."""
    if settings.output is None:
        return path
    try:
        return Path(os.path.normpath(layout.output / os.path.relpath(path, settings.output)))
    except ValueError:  # on another drive
        return path


def narrowed(dataset: Dataset, source: Source) -> Dataset:
    """Return the posts that the patterns of a source take; the data set itself where it has none.

    Raises:
        InputError: no photo is left.
    """
    if not (source.only or source.skip):
        return dataset
    taken = [photo.id for photo in dataset.photos if source.takes(photo.id)]
    if not taken:
        raise InputError(
            f"`only` and `skip` leave none of {counted(len(dataset.photos), 'photo')}", hint="check the patterns"
        )
    closed = [one for one in dataset.skipped if one.reason == UNREADABLE and not source.leaves_out(one.where)]
    return replace(restrict(dataset, taken), skipped=tuple(closed))


def without_private(dataset: Dataset) -> Dataset:
    """Return the posts without what lies in private folders of runs below, such as copies that had been changed.

    Raises:
        InputError: no photo is left.
    """
    parents = {photo.id: PurePosixPath(photo.id).parents for photo in dataset.photos}
    named = {folder for above in parents.values() for folder in above if folder.name.endswith(".private")}
    places = {folder: dataset.root / folder for folder in sorted(named)}
    private = [folder for folder, path in places.items() if is_of_a_run(layout_in(path))]
    if not private:
        return dataset
    kept = [photo for photo, above in parents.items() if not any(folder in above for folder in private)]
    if not kept:
        raise InputError(f"{places[private[0]]} is the private folder of a run", hint="give the originals")
    return dataset.of(kept).lacking(Skipped(str(folder), WITHHELD, "the private folder of a run") for folder in private)


def _fits(path: str, pattern: str) -> bool:
    """Return whether a pattern matches a path in the folder, or the name at its end, in any case and encoding."""
    path, pattern = folded(path), folded(pattern.replace(os.sep, "/").removeprefix("./").rstrip("/"))
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)


def _fits_on_the_way(path: str, pattern: str) -> bool:
    """Return whether a pattern matches a photo, or a folder that it lies in."""
    folders = list(map(str, PurePosixPath(path).parents))[:-1]
    return any(_fits(one, pattern) for one in (path, *folders))


def _matching(pattern: Path) -> list[Path]:
    """Return the files that a pattern matches, or the path itself where it is none.

    A folder on the way that is there by its very name, such as `trip [2026]`, is no pattern.
    """
    if pattern.exists() or not glob.has_magic(str(pattern)):
        return [pattern]
    folder = next((one for one in pattern.parents if one.is_dir()), Path())
    within = Path(glob.escape(str(folder)), pattern.relative_to(folder))
    matching = sorted(map(Path, glob.glob(str(within))))  # noqa: PTH207  (a pattern may be absolute)
    if not matching:
        raise InputError(f"no file matches {pattern}", hint="check the path")
    return matching


PHOTOS_ALONE = frozenset({"folder", "embedded"})  # formats in which nothing beside the photos is read
_SAID = {  # of captions in several files, by their format
    "sidecar": "captions from the text file beside each photo",
    "embedded": f"captions from the descriptions in the photos themselves: the new ones are in {METADATA} alone",
}


def open_posts(source: Source, settings: ProtectSettings, progress: Progress) -> Dataset:
    """Open the posts with their captions, and say where these come from and how many photos have one of the user's.

    Args:
        source: where the photos are.
        settings: the caption file that the user chose, if any.
        progress: receives the remarks.

    Raises:
        InputError: there is no photo, none is taken, or the captions cannot be read.
        ConfigError: the folder holds several captions, of which none was chosen.
    """
    captions = settings.captions or _found(source)
    if source.chosen:
        whole = open_chosen(source.place, source.chosen, captions)
    else:
        whole = without_private(open_dataset(source.place, captions))
    dataset = narrowed(whole, source)
    for line in _said_of_source(dataset):
        progress.note(line)
    if captions is None and source.place.is_dir():
        if dataset.format == "folder":
            refuse_unreadable(source.place, [photo.id for photo in whole.photos])
        for path in captions_of_others(source.place):
            progress.note(f"{path.name} names none of these photos: it is not read")
    for line in _said_of_choice(source, settings, whole, taken=len(dataset.photos)):
        progress.note(line)
    if dataset.captioned < len(dataset.photos):
        progress.note(said_of_captions(dataset))
    if not source.chosen:
        dataset = _with_others(dataset, source)
    if dataset.others:
        progress.note(other_files_note(dataset.others))
    return dataset


def _said_of_source(dataset: Dataset) -> Iterator[str]:
    """Yield where the captions come from, and how they were read."""
    if dataset.source is not None and dataset.source.is_file():
        yield f"captions from {dataset.source.name}"
    elif dataset.format in _SAID:
        yield _SAID[dataset.format]
    yield from dataset.notes


def _said_of_choice(source: Source, settings: ProtectSettings, whole: Dataset, *, taken: int) -> Iterator[str]:
    """Yield which patterns and names of fields fit nothing in the posts, and how many of these the patterns take."""
    photos = [photo.id for photo in whole.photos]
    closed = [one.where for one in whole.skipped if one.reason == UNREADABLE]
    yield from (f"{option} fits none of the photos" for option in source.without_use([*photos, *closed]))
    yield from field_notes(whole.fields, settings.keep_fields)
    if taken < len(photos):
        yield f"`only` and `skip` take {taken} of {counted(len(photos), 'photo')}"


def _with_others(dataset: Dataset, source: Source) -> Dataset:
    """Return the posts with what else is in their folder: photos that are not read, and the number of other files."""
    dataset = dataset.lacking(one for one in not_here(dataset.root) if source.takes(one.where))
    if not source.place.is_dir():
        return dataset
    captions = {*dataset.files, *(text_beside(photo.path) for photo in dataset.photos)}
    return replace(dataset, others=other_files(source.place, captions))


def said_of_captions(dataset: Dataset) -> str:
    """Return a line on how many photos have a caption of the user's, and what the others get."""
    found, photos = dataset.captioned, len(dataset.photos)
    line = f"{found} of {counted(photos, 'photo')} {'has' if 1 in (found, photos) else 'have'} a caption of yours"
    if found == photos:
        return line
    single, several = ("the other gets", "the others get") if found else ("it gets", "they get")
    made = "a caption with an invented name" if dataset.people else "the added words alone"
    return f"{line}; {single if photos - found == 1 else several} {made}"


def _found(source: Source) -> Path | None:
    """Return the one caption file in the folder, or the folder where photos have words beside them; None without.

    Raises:
        ConfigError: several captions could be meant.
    """
    folder = source.place
    if not folder.is_dir():
        return None
    captions, texts = only_captions(folder, ConfigError), _have_texts(source)
    if captions is None:
        return folder if texts else None
    if texts and not repeats_texts(captions, folder):
        is_first = FORMATS["imagefolder"].sniff(folder)  # of what a folder is searched for
        texts_alone = f"move {captions.name} elsewhere" if is_first else f"`captions={str(folder)!r}`"
        raise ConfigError(
            f"{folder} holds captions in {captions.name} and in text files beside its photos",
            hint=f"choose with `captions={str(folder / captions.name)!r}`, or {texts_alone} for the text files",
        )
    return captions


def _have_texts(source: Source) -> bool:
    """Return whether a photo has a text file beside it."""
    if not source.chosen:
        return FORMATS["sidecar"].sniff(source.place)
    return any(text_beside(source.place / photo) for photo in source.chosen)


def field_notes(fields: Sequence[str], keep: Sequence[str]) -> list[str]:
    """Return notes on the other fields of the caption file, by their names, and on names to keep that none has."""
    kept, names = {name.casefold() for name in keep}, {name.casefold() for name in fields}
    left = [name for name in fields if name.casefold() not in kept]
    verb = "is" if len(left) == 1 else "are"
    notes = [f"{counted(len(left), 'other field')} {verb} not published (`keep_fields` keeps them)"] if left else []
    return [*notes, *(f"`keep_fields={name!r}`: no such field" for name in keep if name.casefold() not in names)]
