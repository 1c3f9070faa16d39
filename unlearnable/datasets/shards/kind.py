"""What the kinds of shard have in common: the posts in one, and the changes that its copy gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from unlearnable.datasets.tree import is_photo
from unlearnable.datasets.types import Skipped
from unlearnable.disk import limits
from unlearnable.errors import InputError

LARGEST = 1 << 30  # bytes of one photo
HEAD = 16  # bytes that tell a picture
_PICTURES = (
    *(b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"P4\n", b"P5\n", b"P6\n", b"8BPS"),
    *(b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  "),
)
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})
LARGEST_TEXT = 16 << 20  # bytes of the texts of one post


@dataclass
class PackedPost:
    """A post in a shard.

    Attributes:
        name: what it is called in messages.
        photos: names of its photos in the shard.
        captions: its captions, each once.
        fields: names of other fields that are not published as they are, and whether they are emptied.
        sentences: names of yet other fields that hold some, and are published as they are.
        skipped: parts of it that cannot be used; without photos nothing of it can.
        split: part of the data set that it belongs to.
    """

    name: str
    photos: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    fields: list[tuple[str, bool]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    split: str | None = None


@dataclass(frozen=True)
class PostEdits:
    """What becomes of a post.

    Attributes:
        photos: name of each photo that stays -> its new name in the shard, and the file that replaces it.
        captions: new text of each caption.
        keep_fields: names, case-folded, of fields that stay whatever they hold.
    """

    photos: Mapping[str, tuple[str, Path]]
    captions: list[str]
    keep_fields: frozenset[str]


class Room:
    """The space that unpacked photos may take.

    Args:
        folder: folder that receives them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = limits.room_to_unpack(folder)

    def take(self, size: int) -> None:
        """Take so many bytes.

        Raises:
            InputError: less is left.
        """
        self._left -= size
        if self._left < 0:
            raise InputError(
                f"the photos of the shards do not fit on the disk of {self._folder}",
                hint="free some space, choose another --output, or give fewer shards",
            )


class ShardKind(Protocol):
    """A kind of file that holds posts with their photos."""

    @property
    def suffix(self) -> str:
        """The suffix of its files."""

    def holds_photos(self, shard: Path) -> bool:
        """Return whether a file is such a shard with at least one photo."""

    def posts(self, shard: Path) -> Iterator[PackedPost]:
        """Yield the posts of a shard in order.

        Raises:
            InputError: it is damaged.
        """

    def unpack(self, shard: Path, folder: Path, room: Room) -> None:
        """Write the photos of a shard into a folder, under their names in it; one that cannot be written is left out.

        Raises:
            InputError: it is damaged, or there is no room.
        """

    def rewrite(self, shard: Path, target: Path, edits: Iterator[PostEdits]) -> None:
        """Write a copy of a shard, changed as the edits of its posts say, in the order of `posts`.

        Raises:
            InputError: it has changed since it was read.
        """


def usable_name(name: str) -> bool:
    """Return whether a name of a photo leads nowhere but into the folder that it is unpacked to."""
    parts = name.split("/")
    inside = all(part and not part.startswith(".") for part in parts)  # hidden ones count nowhere as photos
    return inside and is_photo(name) and not any(char in name for char in "\\:\0")


def is_picture(data: bytes) -> bool:
    """Return whether bytes begin as a picture does, whatever it is called."""
    is_bitmap = data.startswith(b"BM") and data[6:10] == bytes(4)
    is_heif = data[4:8] == b"ftyp" and data[8:12] in _BRANDS
    return data.startswith(_PICTURES) or is_bitmap or is_heif or data[8:12] == b"WEBP"


def damaged(shard: Path, error: Exception) -> InputError:
    """Return what to say of a shard that cannot be read."""
    return InputError(f"{shard} cannot be read: {error}", hint="make or download it again, or leave it out")
