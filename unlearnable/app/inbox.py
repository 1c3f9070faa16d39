"""A private folder that receives photos, captions and zipped exports one after the other, as a page sends them."""

import filecmp
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from unlearnable.errors import ConfigError, InputError
from unlearnable.posts import Dataset, is_photo
from unlearnable.protect.posts import PHOTOS_ALONE, Source, open_posts
from unlearnable.settings import ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.wording import json_row

CAPTIONS = "captions.jsonl"  # what was typed
MOST_FILES = 200_000  # in an archive
LONGEST_NAME = 120  # bytes, without the suffix
UTF8, LOCKED = 0x800, 0x1  # flags of a member of a zip: its name is UTF-8, it is encrypted
_BY_HAND = "unzip it yourself, and drop the photos"
_SECOND = re.compile(r"(.+)-\d+(\.(?:jsonl?|csv|tsv))", re.IGNORECASE)  # as `place` calls it
_FORBIDDEN = frozenset('<>:"|?*\\')  # in names of files, on one system or another


class Inbox:
    """A folder of posts to come, which only its user may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._typed = False  # whether the file of captions is its own, and not received

    def place(self, name: str) -> Path:
        """Return where a file of that name is to be written; of two of one name the second gets a number."""
        given = PurePosixPath(name.replace("\\", "/")).name
        clean = "".join("_" if char in _FORBIDDEN or not char.isprintable() else char for char in given).strip(". ")
        path = PurePosixPath(clean or "file")
        stem = path.stem.encode()[:LONGEST_NAME].decode(errors="ignore")
        taken = {CAPTIONS, *(each.name.casefold() for each in self.folder.iterdir())}
        number, free = 1, f"{stem}{path.suffix}"
        while free.casefold() in taken:
            number += 1
            free = f"{stem}-{number}{path.suffix}"
        return self.folder / free

    def unpack(self, archive: Path) -> None:
        """Unpack a zip into the folder, without the one folder that all of it may lie in, and remove the zip.

        Nothing stays of a zip that cannot be unpacked whole, so that it may be sent once more.

        Raises:
            InputError: it is not a zip, is locked by a password, has names that lead elsewhere, or does not fit the
                disk.
            OutputError: the disk is full.
        """
        unpacked: list[Path] = []
        try:
            with zipfile.ZipFile(archive) as opened:
                members = list(_members(opened, archive.name))
                room = int(0.9 * files.free_space(self.folder))  # a tenth stays free
                top = _common_folder([path for _, path in members])
                for info, path in members:
                    target = self.folder / path.relative_to(top)
                    if target.exists() and not is_photo(target.name) and target.stat().st_size == info.file_size:
                        continue  # it came with an earlier part of the export, too
                    if target.exists():
                        raise InputError(f"{path.relative_to(top)} came twice", hint="send one export at a time")
                    unpacked.append(target)
                    room -= _unpack_one(opened, info, target, room)
            unpacked.clear()
        except (NotImplementedError, RuntimeError) as error:  # packed in a way that Python cannot unpack
            raise InputError(f"{archive.name} cannot be unpacked here: {error}", hint=_BY_HAND) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise InputError(f"{archive.name} cannot be unpacked: {error}", hint="download it again") from error
        except OSError as error:
            if error.errno in files.FULL:
                raise files.write_error(archive.name, error) from error
            message = f"{archive.name} cannot be unpacked: {error.strerror or error}"
            raise InputError(message, hint=_BY_HAND) from error
        finally:
            for left in filter(files.is_file, (archive, *unpacked)):
                left.unlink()

    def posts(self, progress: Progress) -> Dataset:
        """Open what was received as `protect` would; of a file of captions that came twice the second is removed.

        Raises:
            InputError: there is no photo, or captions cannot be read.
            ConfigError: several captions could be meant.
        """
        for path in list(self.folder.iterdir()):
            if again := _SECOND.fullmatch(path.name):
                first = self.folder / f"{again[1]}{again[2]}"
                if first.is_file() and filecmp.cmp(first, path, shallow=False):
                    path.unlink()
        try:
            return open_posts(Source(self.folder), ProtectSettings(photos=(self.folder,)), progress)
        except ConfigError as error:  # its remedy is an option of the command line
            hint = "remove them all, and drop the photos with one kind of captions"
            raise ConfigError(error.message, hint=hint) from error

    def takes_captions(self, dataset: Dataset) -> bool:
        """Return whether captions may be typed: nothing that was received holds any, but for the photos themselves."""
        return dataset.format in PHOTOS_ALONE or (self._typed and dataset.source == self.folder / CAPTIONS)

    def write_captions(self, captions: Mapping[str, str]) -> None:
        """Write the captions that were typed, by id of the photo; those that are empty are left out."""
        rows = ({"image": photo, "caption": text.strip()} for photo, text in captions.items())
        text = "".join(json_row(row) for row in rows if row["caption"])
        if self._typed:
            (self.folder / CAPTIONS).unlink(missing_ok=True)
        self._typed = bool(text)
        if text:
            files.write_text(self.folder / CAPTIONS, text)


def _unpack_one(opened: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, room: int) -> int:
    """Unpack one file; return its size. The size that the zip tells of itself is not relied on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with opened.open(info) as source, target.open("wb") as written:
        while chunk := source.read(1 << 20):
            size += len(chunk)
            if size > room:
                raise InputError("the archive is larger than the free space", hint="make room on the disk")
            written.write(chunk)
    return size


def _members(opened: zipfile.ZipFile, name: str) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Yield the ordinary files of a zip and their paths, which stay inside of it."""
    if len(opened.infolist()) > MOST_FILES:
        raise InputError(f"{name} has more than {MOST_FILES} files")
    for info in opened.infolist():
        path = PurePosixPath(_name_of(info))
        if not path.parts:  # the folder itself
            continue
        if path.is_absolute() or ".." in path.parts or "\\" in info.filename or ":" in path.parts[0]:
            raise InputError(f"{name} holds a name that leads out of it: {info.filename!r}")
        if info.flag_bits & LOCKED:
            raise InputError(f"{name} is locked by a password", hint=_BY_HAND)
        kind = stat.S_IFMT(info.external_attr >> 16)
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
        if not info.is_dir() and kind in (0, stat.S_IFREG) and not hidden:
            yield info, path


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return the name of a member; where its encoding is not told, it is UTF-8 for most of today's programs."""
    if info.flag_bits & UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _common_folder(paths: list[PurePosixPath]) -> PurePosixPath:
    """Return the folder that all paths lie in, one level deep at most; the root where there is none."""
    tops = {path.parts[0] for path in paths}
    is_one = len(tops) == 1 and all(len(path.parts) > 1 for path in paths)
    return PurePosixPath(tops.pop()) if is_one else PurePosixPath()
