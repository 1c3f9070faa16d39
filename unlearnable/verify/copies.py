"""Protected copies beside their originals, and which of them are trained on or ranked."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import Picture, as_copied, is_reduced
from unlearnable.imaging.visibility import near_duplicates
from unlearnable.posts import HELD_OUT, POSTS, Dataset, Person, Photo, Skipped, faces, open_dataset, split, unused
from unlearnable.posts.names import plain
from unlearnable.protect.layout import METADATA, layout_beside, stem_of
from unlearnable.protect.records import read_manifest, read_record
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Progress
from unlearnable.training.data import OF_FACES, open_collection
from unlearnable.wording import counted, storable


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


def open_originals(settings: VerifySettings) -> Dataset:
    """Open the originals that the run was given, faces under the names that it published."""
    return as_protected(open_collection(settings.originals, settings.captions), settings.copies)


def as_protected(originals: Dataset, protected: Path) -> Dataset:
    """Return the originals as the run took them: the photos it was given, and faces under the names it published."""
    report, manifest = report_of(protected), layout_beside(protected).manifest
    if not manifest.is_file():
        return originals
    lines = read_manifest(manifest)
    taken = {line.source for line in lines} & {photo.id for photo in originals.photos}
    if report is not None and report.some_photos and taken:
        originals = replace(originals.of(taken), skipped=())
    if not originals.people:
        return originals
    captions = {line.sha256_in: [*map(plain, line.captions)] for line in lines if line.sha256_in}
    told = {photo.id: captions[content] for photo in originals.photos if (content := photo.sha256()) in captions}
    return faces.named_as_told(originals, told, (text for texts in captions.values() for text in texts))


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
    """Pair photos and copies, by the manifest or else by name, and their captions by order.

    Originals without a copy are skipped, and so are copies in the manifest whose original is gone. Any other
    copy without a partner is an error.
    """
    lines = _lines_of(protected)
    copies = {photo: copy for photo, copy in _by_name(originals, protected).items() if copy not in lines}
    copies |= _by_content(originals, lines)
    before, after = originals.captions_by_photo(), protected.captions_by_photo()
    uncaptioned = set[str]() if originals.people else originals.uncaptioned
    posts, skipped = [], _without_copy(originals, protected, copies, lines)
    for photo in originals.photos:
        copy = copies.get(photo.id)
        if copy is None:
            continue
        if photo.id in uncaptioned:
            skipped.append(Skipped(photo.id, "no-caption", "cannot be trained on or ranked"))
            continue
        clean, published = tuple(before[photo.id]), tuple(after[copy])
        if len(clean) != len(published):
            raise InputError(
                f"{photo.id} has {counted(len(clean), 'caption')}, its protected copy {copy} has {len(published)}",
                hint="pass the caption file that protect read, and the one that it wrote",
            )
        posts.append(PostPair(photo, protected.root / copy, clean, published))
    gone = {line.source for line in lines.values()} - {one.where for one in skipped}
    for copy in sorted({photo.id for photo in protected.photos} - {*copies.values()}):
        if copy not in lines:
            message = f"{protected.root / copy} has no original in {originals.root}"
            raise InputError(message, hint="pass the folder that was protected")
        if lines[copy].source in gone:
            skipped.append(Skipped(lines[copy].source, "no-original", f"{copy} is a copy of it, and it is gone"))
    if not posts:
        raise InputError(
            f"no photo in {originals.root} has a caption, by which photos are ranked, and a copy in {protected.root}",
            hint="pass the folder that was protected, with its captions",
        )
    return posts, skipped


def _lines_of(protected: Dataset) -> dict[str, ManifestLine]:
    """Return the line of the manifest of each copy that is there; empty without a manifest."""
    there = {photo.id for photo in protected.photos}
    with suppress(OSError):
        lines = read_manifest(layout_beside(protected.root).manifest)
        return {line.output: line for line in lines if line.output is not None and line.output in there}
    return {}


def _by_content(originals: Dataset, lines: Mapping[str, ManifestLine]) -> dict[str, str]:
    """Return the copy of each original that the manifest tells of, also where it was renamed since."""
    contents = {photo.id: photo.sha256() for photo in originals.photos}
    by_source = {line.source: copy for copy, line in lines.items()}
    named = {photo: copy for photo in contents if (copy := by_source.get(storable(photo)))}
    same = {photo: copy for photo, copy in named.items() if lines[copy].sha256_in == contents[photo]}
    free = {line.sha256_in: copy for copy, line in lines.items() if copy not in set(same.values())}
    renamed = {photo: free.pop(content) for photo, content in contents.items() if photo not in same and content in free}
    return same | renamed


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


def _without_copy(
    originals: Dataset, protected: Dataset, copies: Mapping[str, str], lines: Mapping[str, ManifestLine]
) -> list[Skipped]:
    """Return the originals without a copy: changed since, left out by the run, or newer than it."""
    report, used = report_of(protected.root), {*copies.values()}
    changed = {line.source: copy for copy, line in lines.items() if copy not in used}
    told = {one.where: one for one in report.skipped} if report else {}
    skipped = []
    for photo in (storable(photo.id) for photo in originals.photos if photo.id not in copies):
        if photo in changed:
            skipped.append(Skipped(photo, "changed-since", f"{changed[photo]} is a copy of it as it was"))
        elif photo in told:
            skipped.append(Skipped(photo, told[photo].reason, told[photo].detail))
        else:
            skipped.append(Skipped(photo, "not-protected", f"it has no copy in {protected.root}"))
    return skipped


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


@dataclass(frozen=True)
class HeldOut:
    """The photos to rank, each with its captions, and the numbers of those of the data set to train on."""

    training: Sequence[int]
    photos: list[tuple[Photo, list[str]]]
    source: str  # where they come from, for the report
    people: Mapping[str, Person]  # who is on each photo, by its id, where that is known
    skipped: list[Skipped]  # neither trained on nor ranked

    @property
    def paths(self) -> list[Path]:
        """The files of the photos."""
        return [photo.path for photo, _ in self.photos]


@dataclass(frozen=True)
class Split:
    """The posts to train on, those to rank, and those left out of both."""

    train: list[PostPair]
    held_out: HeldOut
    near: list[str]  # ids of training photos dropped as near-duplicates of held-out ones
    skipped: list[Skipped]
    notes: tuple[str, ...]  # on the originals, for the report


def divide(settings: VerifySettings, progress: Progress, others: Sequence[Path] = ()) -> Split:
    """Pair originals and copies, hold photos out, and drop near-duplicates of held-out photos, those of others too."""
    originals = open_originals(settings)
    captions = settings.protected if settings.protected.is_file() else None
    protected = open_protected(settings.copies, originals, captions)
    posts, skipped = match(originals, protected)
    for line in originals.notes:
        progress.note(line)
    photos, known = [post.original for post in posts], names(faces.people_of(originals))
    held_out = hold_out(originals, photos, settings.test, known, settings)
    train = [posts[n] for n in held_out.training]
    if not train or not held_out.photos or len(held_out.photos) + len(others) < 2:
        raise InputError(
            f"{counted(len(train), 'photo')} to train on and {len(held_out.photos)} held out are too few",
            hint="use more photos, a larger `test_fraction`, or photos with captions in `test`",
        )
    progress.phase("looking for near-duplicates", 1)
    near = set(near_duplicates([post.original.path for post in train], [*held_out.paths, *others]))
    distinct = [post for n, post in enumerate(train) if n not in near]
    if not distinct:
        raise InputError(
            "every training photo is a near-duplicate of a held-out one", hint="pass different photos with `test`"
        )
    skipped += [*originals.skipped, *protected.skipped, *held_out.skipped]
    return Split(distinct, held_out, [train[n].original.id for n in sorted(near)], skipped, tuple(originals.notes))


def open_others(given: Path, settings: VerifySettings) -> Dataset:
    """Open photos beside the originals: of faces where those are and the folder has no captions."""
    found = open_collection(given, None)
    of_people = settings.captions in OF_FACES and given.is_dir() and not (found.captioned or found.people)
    return open_collection(given, settings.captions) if of_people else found


def names(people: Mapping[str, Person]) -> dict[str, str]:
    """Return the names of people by what their data set calls them."""
    return {person.key: person.name for person in people.values()}


def without_near(dataset: Dataset, others: Sequence[Path]) -> tuple[Dataset, list[str]]:
    """Return a data set without its near-duplicates of other photos, and the names of those."""
    dropped = {dataset.photos[n].id for n in near_duplicates([photo.path for photo in dataset.photos], others)}
    kept = {photo.id for photo in dataset.photos} - dropped
    return dataset.of(kept), [f"{dataset.name}/{name}" for name in sorted(dropped)]


def hold_out(
    dataset: Dataset, photos: Sequence[Photo], test: Path | None, taken: Mapping[str, str], settings: VerifySettings
) -> HeldOut:
    """Hold out the folder `test`, where people get names that are not taken, or a share of `photos`."""
    if test is not None:
        shown = faces.named_apart(open_others(test, settings), taken)
        source = f"the {'folder' if test.is_dir() else 'file'} {test.name}"
        return HeldOut(range(len(photos)), _captioned(shown), source, faces.people_of(shown), _uncaptioned(shown))
    training, testing = split(photos, settings.test_fraction, settings.seed)
    source = f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"
    if any(photo.split in HELD_OUT for photo in photos):
        source = "the split that the data names"
    chosen = replace(dataset.of({photos[n].id for n in testing}), skipped=())
    skipped = [*_uncaptioned(chosen), *unused(photos, training, testing)]
    return HeldOut(training, _captioned(chosen), source, faces.people_of(dataset), skipped)


def _captioned(test: Dataset) -> list[tuple[Photo, list[str]]]:
    """Return the photos of a test set with their captions; everybody's face has one."""
    texts, bare = test.captions_by_photo(), set[str]() if test.people else test.uncaptioned
    return [(photo, texts[photo.id]) for photo in test.photos if photo.id not in bare]


def _uncaptioned(test: Dataset) -> list[Skipped]:
    bare = set[str]() if test.people else test.uncaptioned
    return [*test.skipped, *(Skipped(photo, "no-caption", "cannot be ranked") for photo in sorted(bare))]
