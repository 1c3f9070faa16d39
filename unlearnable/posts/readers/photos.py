"""Photos without a caption file: alone, with a text file beside each, or with descriptions in their own metadata.

The lines of `a.txt`, `a.caption` or `a.jpg.txt` are the captions of `a.jpg`. Descriptions are in XMP, IPTC, EXIF or
PNG; copies have them only with `--keep-metadata all`: the new captions stand in metadata.jsonl alone.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.readers.caption_file import changed_since
from unlearnable.posts.text import is_blank, lines, one_line, read_document
from unlearnable.posts.tree import find_photos, is_photo
from unlearnable.posts.types import UNWRITTEN, Dataset, Edits, Pair, assemble
from unlearnable.storage import files
from unlearnable.wording import grouped

SUFFIXES = (".txt", ".caption", ".TXT", ".CAPTION")  # where a photo has several, the first counts
_DC = "http://purl.org/dc/elements/1.1/"
_OF_MACHINES = frozenset(  # words of descriptions by cameras and programs: "OLYMPUS DIGITAL CAMERA", "Screenshot at PM"
    {"digital", "still", "camera", "pictures", "exif", "default", "olympus", "konica", "minolta", "sony", "samsung"}
    | {"kodak", "vivitar", "lead", "technologies", "inc", "created", "processed", "with", "gimp", "vsco", "preset"}
    | {"sdr", "hdr", "rhdr", "hdrpl", "dav", "cof", "oznor", "edf", "mde", "ptr", "bty", "applemark", "untitled"}
    | {"img", "image", "images", "photo", "photos", "picture", "pic", "jpg", "jpeg", "png", "heic", "dsc", "dscn"}
    | {"dscf", "dcim", "pxl", "pano", "gopr", "dji", "vid", "wa", "whatsapp", "screenshot", "screen", "shot"}
    | {"bildschirmfoto", "burst", "edited", "copy", "unnamed", "thumb", "media", "video", "at", "on", "um", "am", "pm"}
)
_OF_SOFTWARE = re.compile(  # as microscopes' TIFFs have
    r'\s*(?:<\?xml\b|<OME\b|ImageJ=|SCIFIO=|\{\s*(?:"[^"]*"\s*:|\}))'
)


class _Folder:
    """All photos in a folder and its sub-folders, each with an empty caption."""

    name = "folder"

    def sniff(self, source: Path) -> bool:
        return source.is_dir()

    def read(self, source: Path, root: Path) -> Dataset:
        return assemble(root, dict.fromkeys(find_photos(root)), (), (), self.name)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: there are no captions."""


class _Sidecar:
    """Text files beside photos; `record` is the number of the file, `index` the caption's number in it."""

    name = "sidecar"

    def sniff(self, source: Path) -> bool:
        try:
            return source.is_dir() and bool(_matched(source, find_photos(source)))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        photos = find_photos(root)
        matched = _matched(root, photos)
        numbers = {file: number for number, file in enumerate(dict.fromkeys(matched.values()))}  # photos may share one
        pairs = [
            Pair(photo, caption, numbers[file], index)
            for photo, file in matched.items()
            for index, caption in enumerate(_captions(root / file))
        ]
        dataset = assemble(root, dict.fromkeys(photos), pairs, (), self.name)
        return replace(dataset, files=tuple(root / file for file in numbers))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        matched = _matched(dataset.root, [photo.id for photo in dataset.photos])
        pairs = grouped((pair.photo, pair) for pair in dataset.pairs if pair.record >= 0 and pair.photo in edits.paths)
        written: set[Path] = set()
        for photo, captions in pairs.items():
            source = dataset.root / matched.get(photo, photo)
            path = target / _renamed(source.name, edits.paths[photo])
            if path in written:  # of two photos with the same stem, the first wins
                continue
            if photo not in matched or _captions(source) != [pair.caption for pair in captions]:
                raise changed_since(source)
            new = (edits.captions.get((pair.record, pair.index), pair.caption) for pair in captions)
            files.write_text(path, "".join(f"{one_line(text)}\n" for text in new))
            written.add(path)


def _captions(path: Path) -> list[str]:
    return [line.text.strip() for line in lines(read_document(path).text)]


def _matched(root: Path, photos: Sequence[str]) -> dict[str, str]:
    """Return each photo's file; a link that leads out of the folder does not count."""
    inside, texts = root.resolve(), {photo: text_beside(root / photo) for photo in photos}
    return {
        photo: text.relative_to(root).as_posix()
        for photo, text in texts.items()
        if text and text.resolve().is_relative_to(inside)
    }


def text_beside(photo: Path) -> Path | None:
    """Return the file beside a photo that holds its captions, None if there is none; it may spell accents otherwise."""
    names = [f"{stem}{suffix}" for stem in (photo.stem, photo.name) for suffix in SUFFIXES]
    if not photo.name.isascii():
        names += [unicodedata.normalize(form, name) for form in ("NFC", "NFD") for name in names]
    return next(filter(files.is_file, map(photo.with_name, names)), None)


def _renamed(file: str, new: str) -> str:
    text = PurePosixPath(file)
    return f"{new}{text.suffix}" if is_photo(text.stem) else PurePosixPath(new).with_suffix(text.suffix).as_posix()


class _Embedded:
    """Photos that have their captions in their own metadata, each a record."""

    name = "embedded"

    def sniff(self, source: Path) -> bool:
        return False  # agencies and programs write descriptions, so only `--captions embedded` reads them

    def read(self, source: Path, root: Path) -> Dataset:
        return self.of(root, find_photos(root))

    def of(self, root: Path, photos: Iterable[str]) -> Dataset:
        """Return the data set of photos, by id."""
        pairs = [
            Pair(photo, caption, UNWRITTEN - number, index)
            for number, photo in enumerate(photos)
            for index, caption in enumerate(_described(root / photo))
        ]
        return assemble(root, dict.fromkeys(photos), pairs, (), self.name)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: the captions are in photos, which are published without them."""


def _described(photo: Path) -> list[str]:
    """Return the captions in a photo: those of its XMP, and other descriptions that do not repeat one of them."""
    from unlearnable.imaging.metadata import described

    packet, others = described(photo)
    captions = _xmp_captions(packet)
    for text in filter(_tells, others):  # of a long one IPTC has the beginning
        if not any(" ".join(caption.split()).startswith(" ".join(text.split())) for caption in captions):
            captions.append(text)
    return captions


def _xmp_captions(packet: bytes) -> list[str]:
    """Return the description of the photo itself in XMP, in each of its languages, and the title."""
    from unlearnable.imaging.metadata import parse_xmp, texts_of

    document = parse_xmp(packet) if packet else None
    if document is None:
        return []
    values: list[str] = []
    for name in ("description", "title"):
        for element in document.getElementsByTagNameNS(_DC, name):
            around = element.parentNode and element.parentNode.parentNode
            if getattr(around, "localName", None) == "RDF":  # not of what the photo is made of
                values += texts_of(element)
    return list(dict.fromkeys(filter(_tells, values)))


def _tells(description: str) -> bool:
    """Return whether a description is one: not blank, no name of a file, and not what a machine writes by itself."""
    if is_blank(description) or is_photo(description) or _OF_SOFTWARE.match(description):
        return False
    words = set(re.findall(r"[a-z]{2,}", description.lower()))
    return not description.isascii() or not words <= _OF_MACHINES


FOLDER, SIDECAR, EMBEDDED = _Folder(), _Sidecar(), _Embedded()
