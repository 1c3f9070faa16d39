"""Protected copies beside their originals, and which of them are trained on or ranked."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnable.errors import ConfigError, InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import as_copied, is_reduced
from unlearnable.posts import (
    HELD_OUT,
    POSTS,
    Dataset,
    Person,
    Photo,
    Skipped,
    named_apart,
    named_as_told,
    open_dataset,
    people_of,
    restrict,
    split,
    unused,
)
from unlearnable.posts.names import plain
from unlearnable.protect.layout import METADATA, layout_beside, stem_of
from unlearnable.protect.photo import shows_another
from unlearnable.protect.records import read_manifest, read_record
from unlearnable.report import BothWays, ManifestLine, ProtectReport
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Progress
from unlearnable.training.data import OF_FACES, DecodedPosts, open_collection
from unlearnable.verify.crowd import Identities, identities
from unlearnable.verify.findings import LEAST_GAP
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


Held = tuple[Photo, list[str]]  # a held-out photo with its captions
NAMED = "the split that the data names"  # where held-out photos come from
MOST_BY_CHANCE = 50.0  # Hit@10 of a random order, in per cent
NEEDED = 20  # photos in the gallery: a random order has a Hit@10 of 50 there


@dataclass(frozen=True)
class Split:
    """The posts to train on, those to rank, and those left out of both."""

    train: list[PostPair]
    held_out: list[Held]
    source: str  # where the held-out photos come from, for the report
    near: list[str]  # ids of training photos dropped as near-duplicates of held-out ones
    skipped: list[Skipped]
    people: Mapping[str, Person]  # who is on each held-out photo, by its id, where that is known
    notes: list[str]  # on the copies, for the report


def divide(settings: VerifySettings, progress: Progress, others: Sequence[Held] = ()) -> Split:
    """Pair originals and copies, hold photos out, and drop near-duplicates of held-out photos, those of others too."""
    originals = open_originals(settings)
    captions = settings.protected if settings.protected.is_file() else None
    protected = open_protected(settings.copies, originals, captions)
    posts, skipped = match(originals, protected)
    notes = [*originals.notes, *_note_on_new(skipped)]
    for line in notes:
        progress.note(line)
    skipped += [*originals.skipped, *protected.skipped]
    photos, known = [post.original for post in posts], people_of(originals)
    training, held_out, source, people, unranked = _hold_out(originals, photos, settings.test, names(known), settings)
    _refuse_strangers(known, people, settings)
    train = [posts[n] for n in training]
    skipped += unranked
    if not train or not held_out or len(held_out) + len(others) < 2:
        raise InputError(
            f"{counted(len(train), 'photo')} to train on and {len(held_out)} held out are too few",
            hint="use more photos, a larger `test_fraction`, or separate photos with `test`",
        )
    progress.phase("looking for near-duplicates", 1)
    gallery = [photo.path for photo, _ in (*held_out, *others)]
    near = set(near_duplicates([post.original.path for post in train], gallery))
    distinct = [post for n, post in enumerate(train) if n not in near]
    if not distinct:
        raise InputError(
            "every training photo is a near-duplicate of a held-out one", hint="pass different photos with `test`"
        )
    chosen = {post.original.id for post in distinct}
    for post in posts:
        if post.original.id not in chosen:
            read_both(post)  # whether a damaged copy is found must not depend on the split
    return Split(distinct, held_out, source, [train[n].original.id for n in sorted(near)], skipped, people, notes)


def _note_on_new(skipped: Sequence[Skipped]) -> list[str]:
    bare = [one.where for one in skipped if one.reason == NOT_PROTECTED]
    if not bare:
        return []
    have = "photo has" if len(bare) == 1 else "photos have"
    return [f"{len(bare)} new {have} no protected copy, such as {bare[0]}: protect with `add=True` makes one"]


def open_originals(settings: VerifySettings) -> Dataset:
    """Open the originals that the run was given, faces under the names that it published."""
    return as_protected(open_collection(settings.originals, settings.captions), settings.copies)


def open_others(given: Path, settings: VerifySettings) -> Dataset:
    """Open photos beside the originals: of faces where those are and the folder has no captions."""
    found = open_collection(given, None)
    of_people = settings.captions in OF_FACES and given.is_dir() and not (found.captioned or found.people)
    return open_collection(given, settings.captions) if of_people else found


def _refuse_strangers(known: Mapping[str, Person], shown: Mapping[str, Person], settings: VerifySettings) -> None:
    """Refuse photos to rank that show none of the people of the posts, whom alone victims learn."""
    ours, theirs = names(known), names(shown)
    same = ours.keys() & theirs.keys() or {*ours.values()} & {*theirs.values()}  # another spelling of a folder
    if ours and theirs and not same:
        raise InputError(
            f"nobody in {settings.originals}, such as {min(ours)}, is on the photos to rank in {settings.test}",
            hint="give `test` other photos of the same people, under the same names",
        )


def names(people: Mapping[str, Person]) -> dict[str, str]:
    """Return the names of people by what their data set calls them."""
    return {person.key: person.name for person in people.values()}


def without_near(dataset: Dataset, others: Sequence[Path]) -> tuple[Dataset, list[str]]:
    """Return a data set without its near-duplicates of other photos, and the names of those."""
    near = near_duplicates([photo.path for photo in dataset.photos], others)
    dropped = {dataset.photos[n].id for n in near}
    kept = {photo.id for photo in dataset.photos} - dropped
    return dataset.of(kept), [f"{dataset.name}/{name}" for name in sorted(dropped)]


def _hold_out(
    dataset: Dataset, photos: Sequence[Photo], test: Path | None, taken: Mapping[str, str], settings: VerifySettings
) -> tuple[Sequence[int], list[Held], str, Mapping[str, Person], list[Skipped]]:
    """Return the photos of a data set to train on, by number, and those to rank: of the folder `test`, or a share.

    Beside them: where they come from, for the report, who is on them, and what is neither trained on nor ranked.
    People in `test` get names that are not taken.
    """
    if test is not None:
        shown = named_apart(open_others(test, settings), taken)
        held_out, skipped = _captioned(shown)
        kind = "folder" if test.is_dir() else "file"
        return range(len(photos)), held_out, f"the {kind} {test.name}", people_of(shown), skipped
    training, testing = split(photos, settings.test_fraction, settings.seed)
    chosen = {photos[n].id for n in testing}
    held_out, skipped = _captioned(replace(dataset.of(chosen), skipped=()))
    source = f"{100 * settings.test_fraction:.0f} % of the photos, drawn with seed {settings.seed}"
    if any(photo.split in HELD_OUT for photo in photos):
        source = NAMED
    return training, held_out, source, people_of(dataset), [*skipped, *unused(photos, training, testing)]


def _captioned(test: Dataset) -> tuple[list[Held], list[Skipped]]:
    """Return the photos of a test set with their captions, and those skipped for want of a caption."""
    texts, uncaptioned = test.captions_by_photo(), set[str]() if test.people else test.uncaptioned
    if test.photos and len(uncaptioned) == len(test.photos):
        count, first = len(test.photos), test.photos[0].id
        raise InputError(
            f"of {counted(count, 'photo')} to rank in {test.root}, such as {first}, none has a caption of its own",
            hint="give the caption file in place of the folder, or rank other photos",
        )
    held_out = [(photo, texts[photo.id]) for photo in test.photos if photo.id not in uncaptioned]
    unranked = (Skipped(photo, "no-caption", "cannot be ranked") for photo in sorted(uncaptioned))
    return held_out, [*test.skipped, *unranked]


def note_on_few(settings: VerifySettings, by_chance: BothWays, source: str) -> list[str]:
    """Return a remark on a gallery of too few photos, by its scores in random order, with the number that is needed."""
    hit10 = by_chance.text_to_image.hit10
    if hit10 <= MOST_BY_CHANCE:
        return []
    judged = ", which cannot be judged" if hit10 > 100 - LEAST_GAP else ""
    remedy = "in `test`"
    if source == NAMED:
        remedy = "by a split that the data names, or of faces one of each person, or give others with `test`"
    elif settings.test is None:
        photos = math.ceil(NEEDED / settings.test_fraction)
        remedy = f"which a share of {settings.test_fraction:g} holds out of {photos} photos, or give others with `test`"
    return [
        f"so few photos are held out that a random order has a Hit@10 of {hit10:.0f} %{judged}: "
        f"at least {NEEDED} are needed, {remedy}"
    ]


@dataclass(frozen=True)
class Crowd:
    """Other people's posts."""

    train: Dataset  # which every victim is trained on
    held_out: list[Held]  # in the gallery
    source: str  # where the held-out photos come from, for the report
    people: Mapping[str, Person]  # who is on each photo, by its id, where that is known
    skipped: list[Skipped]


def open_crowd(settings: VerifySettings) -> Crowd | None:
    """Open the crowd and hold photos of it out, under names that none of the protected people has; None without one."""
    if settings.crowd is None:
        return None
    known = names(people_of(open_originals(settings)))
    posts = named_apart(open_others(settings.crowd, settings), known)
    inside = people_of(posts)
    taken = {**known, **names(inside)}
    training, held_out, source, people, unranked = _hold_out(posts, posts.photos, settings.crowd_test, taken, settings)
    people = {**inside, **people}
    if both := sorted(known.keys() & names(people).keys()):
        raise InputError(
            f"{both[0]} is among the protected people and in the crowd {settings.crowd}",
            hint="take their photos out of the crowd",
        )
    if not training or not held_out:
        raise InputError(
            f"{counted(len(training), 'photo')} of the crowd to train on and {len(held_out)} held out are too few",
            hint="use more photos, a larger `test_fraction`, or separate photos with `crowd_test`",
        )
    train = replace(posts.of({posts.photos[n].id for n in training}), skipped=())
    return Crowd(train, held_out, source, people, [*posts.skipped, *unranked])


def apart(crowd: Crowd, posts: Split) -> Crowd:
    """Return the crowd without held-out photos that are near-duplicates of the user's, which would be ranked twice."""
    gallery = [photo.path for photo, _ in posts.held_out]
    near = set(near_duplicates([photo.path for photo, _ in crowd.held_out], gallery))
    if len(near) == len(crowd.held_out):
        raise InputError(
            "every held-out photo of the crowd is a near-duplicate of one of yours",
            hint="pass photos of other people with `crowd_test`",
        )
    dropped = [
        Skipped(crowd.held_out[n][0].id, "near-duplicate", "of a photo of yours that is ranked") for n in sorted(near)
    ]
    kept = [held for n, held in enumerate(crowd.held_out) if n not in near]
    return replace(crowd, held_out=kept, skipped=[*crowd.skipped, *dropped])


def leaked_posts(count: int, share: float, seed: int) -> frozenset[int]:
    """Return the numbers of the posts, of `count`, that leaked clean: at least one, but not all."""
    if count < 2:
        raise InputError(
            f"{count} photo of the protected people to train on is too few: one is to leak, and one not",
            hint="use more photos, or hold fewer out",
        )
    return frozenset(random.Random(seed).sample(range(count), min(max(1, round(share * count)), count - 1)))


def asked_for(posts: Split, crowd: Crowd, gallery: DecodedPosts, own: int) -> Identities | None:
    """Return the protected people, who are on the first `own` photos of the gallery; None if not all of them are known.

    A model has to tell them from the crowd and from people who do not exist.
    """
    shown: Sequence[str | None] = [
        posts.people[photo.id].name if photo.id in posts.people else None for photo in gallery.photos[:own]
    ]
    if None in shown:
        return None
    return identities([*shown, *[None] * (len(gallery.photos) - own)], sorted(set(names(crowd.people).values())))
