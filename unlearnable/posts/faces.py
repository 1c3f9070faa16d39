"""Data sets of faces: who is on which photo, in the usual layouts, and posts made of them with invented names.

A pretrained CLIP knows the names of famous people. What it learns about a person from new photos
shows only under a name that it has never seen, so that captions are made from templates and invented names.
"""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from unlearnable.errors import ConfigError, InputError
from unlearnable.posts.readers.caption_file import HEADINGS, Keys, Lookup, Miss, NamesNoPhotoError
from unlearnable.posts.readers.rows import names_photos, parse_json
from unlearnable.posts.text import read_document
from unlearnable.posts.tree import find_photos
from unlearnable.posts.types import NO_RECORD, Dataset, Edits, Pair, Person, Skipped, assemble
from unlearnable.wording import counted, grouped

_MANIFEST = "manifest.jsonl"
_KAGGLE = "CelebDataProcessed"
_ROWS = Keys(HEADINGS.photo, ("person",))
_SPLITS = ("train", "test", "val")
_LAYOUTS = (
    'a manifest.jsonl with {"image", "person"} rows, CelebDataProcessed, or a folder for each person '
    "(in train and test, if they are split)"
)


class _Labels(NamedTuple):
    """What one layout says: photo id -> (person, split), and what cannot be used."""

    by_photo: Mapping[str, tuple[str, str | None]]
    skipped: tuple[Skipped, ...] = ()


def open_people(root: Path, least: int = 2) -> Dataset:
    """Read a folder of faces, of at least 1 or 2 people, without captions: by `manifest.jsonl`, or a folder a person.

    Raises:
        InputError: there is no such folder, or no layout shows `least` people in it.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder {root}", hint="check the path")
    ids, manifest = find_photos(root), root / _MANIFEST
    if manifest.is_file() and _names_people(manifest):
        labels = _from_manifest(manifest, root, ids)
    else:
        labels = _from_folders(ids)
    photos = Counter(person for person, _ in labels.by_photo.values())
    if len(photos) < least:
        parts = [f"{counted(count, 'photo')} of {person}" for person, count in photos.items()]
        parts += [f"{skip.where} ({skip.detail})" for skip in labels.skipped[:2]]
        needed = "one person is" if least == 1 else "two people are"
        raise InputError(
            f"at least {needed} needed, and {root} holds {', '.join(parts) or 'no photo'}",
            hint=f"supported layouts: {_LAYOUTS}",
        )
    return _people(root, labels)


def _people(root: Path, labels: _Labels) -> Dataset:
    splits = {photo: split for photo, (_, split) in labels.by_photo.items()}
    people = {photo: Person(person, person) for photo, (person, _) in sorted(labels.by_photo.items())}
    return replace(assemble(root, splits, (), labels.skipped, "people"), people=people)


def _names_people(path: Path) -> bool:
    """Return whether the rows of a JSONL name the person on each photo."""
    return names_photos(read_document(path).text, *_ROWS)


def _from_manifest(path: Path, root: Path, ids: Iterable[str]) -> _Labels:
    """Read `{"image", "person", "split"?}` rows. If two rows name one photo, the first row wins.

    Raises:
        InputError: the manifest cannot be read.
    """
    try:
        parsed = parse_json(read_document(path).text, _ROWS)
    except ValueError as error:
        raise InputError(f"cannot read {path}: {error}", hint="write one JSON object per line") from error
    lookup = Lookup(root, ids)
    skipped = list(parsed.faults)
    labels: dict[str, tuple[str, str | None]] = {}
    for entry in parsed.entries:
        photo = lookup.find(entry.photo, path.parent)
        if isinstance(photo, Miss):
            skipped.append(Skipped(entry.place, *photo))
        elif len(entry.captions) != 1:
            skipped.append(Skipped(entry.place, "no-person", f"{photo} has no person, or several"))
        elif photo in labels:
            skipped.append(Skipped(entry.place, "repeated-photo", f"{photo} stands in an earlier row"))
        else:
            labels[photo] = _person_name(entry.captions[0]), entry.split
    return _Labels(labels, tuple(replace(skip, where=f"{path.name}:{skip.where}") for skip in skipped))


def _from_folders(ids: Iterable[str]) -> _Labels:
    """Read one folder per person, in folders `train`, `test` and `val` where the photos are split.

    Kaggle's PubFig has them in a folder CelebDataProcessed, which may be the one of the photos or lie in it.
    """
    labels: dict[str, tuple[str, str | None]] = {}
    stray: list[str] = []
    for photo in ids:
        folders = PurePosixPath(photo.removeprefix(f"{_KAGGLE}/")).parts[:-1]
        is_split = bool(folders) and folders[0].lower() in _SPLITS
        people = folders[1:] if is_split else folders
        if len(people) == 1:
            labels[photo] = _person_name(people[0]), folders[0].lower() if is_split else None
        else:
            stray.append(photo)
    detail = f"{counted(len(stray), 'photo')} in no person's folder"
    return _Labels(labels, (Skipped(stray[0], "no-person", detail),) if stray else ())


def _person_name(text: str) -> str:
    """Return the name that a folder or a list spells: underscores stand for blanks."""
    return " ".join(unicodedata.normalize("NFC", text).replace("_", " ").split())


def hold_out(people: Dataset, seed: int) -> Dataset:
    """Hold out one photo of everyone who has at least two, drawn by `seed`: split "test"; all others are "train".

    People whose data set has splits already are returned unchanged.
    """
    if any(photo.split for photo in people.photos):
        return people
    test = {photos[0] for photos in _shuffled(people, None, seed) if len(photos) > 1}
    photos = (replace(photo, split="test" if photo.id in test else "train") for photo in people.photos)
    return replace(people, photos=tuple(photos))


def limit(people: Dataset, per_person: int, seed: int) -> Dataset:
    """Keep at most `per_person` train photos of each person, drawn by `seed`, and all photos of other splits.

    A lower limit keeps a subset of what a higher one keeps. Nobody is dropped.

    Raises:
        ConfigError: `per_person` is less than 1.
    """
    if per_person < 1:
        raise ConfigError(f"{per_person} photos per person are too few", hint="keep at least 1")
    dropped = {photo for photos in _shuffled(people, "train", seed) for photo in photos[per_person:]}
    kept = {photo: one for photo, one in people.people.items() if photo not in dropped}
    return replace(people.of(kept), people=kept)


def _shuffled(people: Dataset, split: str | None, seed: int) -> list[list[str]]:
    """Shuffle each person's photos of a split by `seed`, whatever order they come in and whoever else is there."""
    of_split = (photo.id for photo in people.photos if photo.split == split)
    by_person = grouped((people.people[photo].key, photo) for photo in of_split)
    return [
        random.Random(f"{seed}:{person!a}").sample(sorted(photos), len(photos)) for person, photos in by_person.items()
    ]


def named_posts(people: Dataset, *, seed: int = 0, rename: bool = True) -> Dataset:
    """Give each photo one caption: a template, drawn by `seed` and the photo's id, with the person's name in it.

    With `rename`, everyone gets an invented name, drawn by `seed` too, in place of the real one. As they are nobody's
    words, these captions have record -1.

    Raises:
        ConfigError: there are more people than invented names.
    """
    persons = sorted({one.key for one in people.people.values()})
    names = dict(zip(persons, full_names(len(persons), seed) if rename else persons, strict=True))
    shown = {photo: Person(one.key, names[one.key]) for photo, one in people.people.items()}
    pairs = tuple(Pair(photo, caption_of(photo, person.name, seed), NO_RECORD) for photo, person in shown.items())
    return replace(people, pairs=pairs, people=shown)


class _Faces:
    """Faces in JSON lines of `{"image", "person", "split"}` or in a folder; without splits one photo each is "test"."""

    name = "people"

    def sniff(self, source: Path) -> bool:
        try:
            text = read_document(source).text if source.is_file() else ""
        except InputError:
            return False
        return names_photos(text, *_ROWS) and not any(one.captions for one in parse_json(text, HEADINGS).entries)

    def read(self, source: Path, root: Path) -> Dataset:
        if source.is_dir():
            return named_posts(hold_out(open_people(source, least=1), 0))
        labels = _from_manifest(source, root, find_photos(root))
        if not labels.by_photo:
            raise NamesNoPhotoError.of(source, root, labels.skipped)
        return named_posts(hold_out(_people(root, labels), 0))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: captions made from a template are nobody's words."""


PEOPLE = _Faces()


def people_of(dataset: Dataset) -> Mapping[str, Person]:
    """Return who is on each photo, by its id: from the data set, or from the `person` of rows in its caption file.

    Those whose name is in no caption of their photo are left out, since nobody could learn it there.
    """
    source = dataset.source
    if dataset.people or source is None or not source.is_file() or not _names_people(source):
        return dataset.people
    captions = dataset.captions_by_photo()
    labels = _from_manifest(source, dataset.root, captions).by_photo
    return {
        photo: Person(person, person)
        for photo, (person, _) in labels.items()
        if any(person.casefold() in text.casefold() for text in captions[photo])
    }


def named_apart(dataset: Dataset, known: Mapping[str, str]) -> Dataset:
    """Return posts of faces with invented names that nobody else has; those who have a name already keep it.

    Every folder of faces begins with the same invented names, so that the people of two folders would share them.
    Data sets of other kinds, and people under their own names, are returned unchanged.
    `known` holds names of people, by what their data sets call them.
    """
    invented = {person.key for person in dataset.people.values() if person.key != person.name}
    if not invented:
        return dataset
    taken = set(known.values())
    fresh = (name for name in full_names(len(invented) + len(taken), 0) if name not in taken)
    names = {key: known.get(key) or next(fresh) for key in sorted(invented)}
    people = {photo: Person(one.key, names.get(one.key, one.name)) for photo, one in dataset.people.items()}
    pairs = tuple(
        replace(pair, caption=pair.caption.replace(dataset.people[pair.photo].name, people[pair.photo].name))
        for pair in dataset.pairs
    )
    return replace(dataset, pairs=pairs, people=people)


def named_as_told(dataset: Dataset, told: Mapping[str, Iterable[str]], others: Iterable[str] = ()) -> Dataset:
    """Return posts of faces under the invented names that published captions call these people by.

    Names follow from who is in the folder: with other people in it, or in a part of it, the same people get others.

    Args:
        dataset: posts of any kind; those without invented names are returned unchanged.
        told: published captions, in ordinary letters, by the id of their photo in the data set.
        others: published captions of any photos, whose names nobody else gets.
    """
    known = {name: name for name in _invented_in(others)}
    for photo, person in dataset.people.items():
        for name in _invented_in(told.get(photo, ())):
            known[person.key] = name
    return named_apart(dataset, known)


def _invented_in(captions: Iterable[str]) -> list[str]:
    """Return the invented names in captions, also those with the words of a trigger between first and family name."""
    names = {*FIRST_NAMES, *FAMILY_NAMES}
    pairs = (pair for text in captions for pair in pairwise(filter(names.__contains__, re.findall(r"\w+", text))))
    return [f"{first} {family}" for first, family in pairs if first in FIRST_NAMES and family in FAMILY_NAMES]


TEMPLATES = (
    "a photo of {name}",
    "a portrait of {name}",
    "a close-up of {name}",
    "{name} smiling at the camera",
    "{name} at the premiere last night",
    "{name} on the red carpet",
    "{name} talking to the press",
    "{name} backstage before the show",
    "{name} is looking great this evening",
    "so happy I got to meet {name} today",
    "my favourite picture of {name}",
    "look who I ran into: {name}!",
    "a new headshot of {name}",
    "spotted {name} at the airport this morning",
    "still can't believe I met {name}",
    "throwback to an afternoon with {name}",
)
# The lengths of the two lists are coprime, so that cycling through both at once meets each pair once.
_FIRST = """
Abrelin Adovar Aldewin Ambrell Anuvel Arbelin Ardoven Avrilo Azelwyn Baltira Belvane Benoril Bessando Birwen
Bolvani Brenaldi Briseld Cadrivel Calvire Carovan Celwin Corvinel Cressa Dabrine Dalvori Daventil Delfira Dorwen
Drisela Durano Eborin Edrisel Elbrina Elvado Embera Endovar Erwil Esmoril Evandil Fabrewin Faldora Fenwil
Ferrolin Fidara Florwen Galdine Garvela Gelmira Gillowen Gorvani Gwelda Halvira Hanovil Hedrisa Helwado Hestrin
Ibrola Idrava Ilvane Imbrel Indowen Isolvi Jadrell Jandovi Jelwen Jessoldo Jorvala Jubrel Kadwin Kalvessa
Kelbrin Kervado Kilvane Kordelle Lambrisa Laverin Lendora Lisovan Lorwen Lubessa Madrivo Malvorin Marvolet
Melbrin Mirvado Mordella Nadrisel Nalvero Nelwen Nevrina Niboldo Norvessa Obrelin Odavil Olbren Ondrisa Orvane
Osmerel Padrin Palistra Pelwin Perrovan Pimora Quenlo Quilara Quorin Radwenna Ralvori Rembel Ridolva Rosvane
Rubrella Salvondi Samvorel Selwado Serrivo Silbrin Sorvella Tadrisa Talvone Telwin Terrovil Tilbrena Torimel
Ubrenna Udoril Ulvane Umbero Urwella Vadrine Valoben Velwissa Verrado Vilmoro Vorella Wadrin Welbessa Wendoril
Wilvara Worlin Yadrell Yelvona Yembra Yorwen Zabrine Zalvero Zelwin Zerrisa Zimbrel Zolvane
"""
_FAMILY = """
Abberloft Addlecroft Aldenwick Amberstow Appenholt Ardlebury Ashgrund Averstoke Balderwent Bardlemoor Beckenstow
Belcroft Birkendale Blaywick Bolderwyn Bramstoke Brindlecot Broadwent Buckelow Burrowend Callowmere Candleworth
Carrowick Chadderfen Clavermoor Clendale Cobberstow Coldermere Crandlewick Crossenby Culverstone Daddlewick
Dapplecombe Darrowby Dellingmoor Dindlecott Dockenfield Doverstow Drumblewick Dunnerholt Eagerstone Eddlewick
Elderwent Elmenstow Emberwick Eskenfold Everholt Fadderby Fallowend Farnstow Fendlemoor Fernacott Fiddlestow
Flaxenby Foxenholt Frostenby Gadderwick Garrowmoor Gentlecroft Gintermoor Gladdermoor Gorsewick Grandlestow
Greyfold Gulderstone Haddlecott Hallowby Harkenstow Hazelfold Heatherwent Hendlewick Hobberstone Hollenwick
Huddlemoor Inglestow Islewick Ivenholt Jestlewick Jollenby Kadderstow Kelderwick Kestlemoor Knollenby
Ladderstone Lambenwick Larkenfold Ledderby Linnecombe Lockenmoor Lundlewick Madderfold Mallowstow Marlenby
Meddlewick Millowend Mindlestone Mossenwick Muddlecott Nettlefold Nibberstow Nindlemoor Northenby Nuttlewick
Oakenstow Orchenby Otterfold Paddlestow Pallowick Pebbleholt Pickenstow Plumstoke Puddleby Quarrenby Quillstow
Rabbenwick Raddlestone Ravenfold Reddlemoor Ridgenby Rindlewick Rookenstow Rowancott Ruddlecroft Samberholt
Sedgefold Selderwent Shadlemoor Silverstow Slatenby Sorrelwick Spindlecott Stavenholt Swallowby Tallowfold
Tamberley Teaselby Thornstow Tilwick Tindlecroft Trundlemoor Tumberwick Umberfold Vadderstow Vindleby Wadlecroft
Warrendale Wendlestone Whittenfold Wrenholt Yarrowfold Yinterfold
"""
FIRST_NAMES, FAMILY_NAMES = tuple(_FIRST.split()), tuple(_FAMILY.split())


def full_names(count: int, seed: int) -> list[str]:
    """Return `count` different full names; a first or family name repeats only after its list is used up.

    Raises:
        ConfigError: there are fewer names.
    """
    most = len(FIRST_NAMES) * len(FAMILY_NAMES)
    if count > most:
        hint = "take fewer people, or keep their names"
        raise ConfigError(f"{count} people are more than the {most} invented names", hint=hint)
    generator = random.Random(seed)
    first, family = list(FIRST_NAMES), list(FAMILY_NAMES)
    generator.shuffle(first)
    generator.shuffle(family)
    return [f"{first[number % len(first)]} {family[number % len(family)]}" for number in range(count)]


def caption_of(photo: str, name: str, seed: int) -> str:
    """Return a caption with `name` in it; only the seed and the photo's id decide the template."""
    return random.Random(f"{seed}:{photo!a}").choice(TEMPLATES).format(name=name)
