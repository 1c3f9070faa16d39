"""Photos and captions to train on and to rank, and how a training loads them."""

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import Picture, working_copy
from unlearnable.models.tokens import CONTEXT, CaptionSlot, tokenizer
from unlearnable.posts import Dataset, Photo, Skipped, named_posts, only_captions, open_dataset, open_people
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.wording import grouped

Shape = tuple[int, int]  # height and width of an array of three channels
Rgb8 = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
REAL_NAMES = Path("people:real")
OF_FACES = (Path("people"), REAL_NAMES)  # what stands for a caption file of faces


class Ragged:
    """The offsets of arrays (3, h, w) of one-byte numbers in a file, each with its own height and width."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self.shapes = [(height, width) for height, width in shapes]
        self._ends = [0, *accumulate(3 * height * width for height, width in self.shapes)]

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def size(self) -> int:
        """The size of all arrays together, in bytes."""
        return self._ends[-1]

    def part(self, number: int) -> slice:
        """Return the range of bytes of an array."""
        return slice(self._ends[number], self._ends[number + 1])


class Pixels:
    """Working copies of photos of different sizes, uint8, in files that are read a photo at a time."""

    def __init__(self, path: Path, shapes: Iterable[Shape] = ()) -> None:
        self._path, self._end = path, 0
        self._places: list[tuple[Path, int, Shape]] = []  # of each photo: its file, its first byte there, its size
        for shape in shapes:
            self._add(shape)

    @classmethod
    def create(cls, path: Path) -> "Pixels":
        """Create an empty file, which the caller removes; an existing file is overwritten."""
        with files.reporting_write_errors(path):
            path.write_bytes(b"")
        return cls(path)

    def _add(self, shape: Shape) -> None:
        height, width = shape
        self._places.append((self._path, self._end, (height, width)))
        self._end += 3 * height * width

    def append(self, pixels: Rgb8) -> None:
        """Append the pixels (h, w, 3) of the next photo to the file."""
        with files.reporting_write_errors(self._path), self._path.open("ab") as file:
            file.write(np.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes())
        self._add(pixels.shape[:2])

    def __len__(self) -> int:
        return len(self._places)

    def __add__(self, more: "Pixels") -> "Pixels":
        """Return these photos, then the others, where they lie."""
        joined = Pixels(self._path)
        joined._places = self._places + more._places
        return joined

    def choose(self, photos: Iterable[int]) -> "Pixels":
        """Return some of the photos, where they lie."""
        chosen = Pixels(self._path)
        chosen._places = [self._places[photo] for photo in photos]
        return chosen

    @property
    def shapes(self) -> list[Shape]:
        """(h, w) of each photo."""
        return [shape for _, _, shape in self._places]

    def __getitem__(self, photo: int) -> Tensor:
        """Return the pixels (3, h, w) of a photo, float, whole numbers 0-255."""
        path, start, (height, width) = self._places[photo]
        flat = np.fromfile(path, np.uint8, count=3 * height * width, offset=start)
        return torch.from_numpy(flat).view(3, height, width).float()

    def is_grey(self, photo: int) -> bool:
        """Return whether all three channels of a photo are equal in every pixel."""
        pixels = self[photo]
        return bool((pixels == pixels[:1]).all())

    def sha256(self) -> str:
        """Return the hex SHA-256 of the sizes and pixels of all photos."""
        digest = hashlib.sha256(f"{self.shapes}".encode())
        for photo in range(len(self)):
            digest.update(self[photo].byte().numpy().tobytes())
        return digest.hexdigest()


class Photos(Protocol):
    """Photos by number: pixels (3, h, w), whole numbers 0-255."""

    def __getitem__(self, photo: int, /) -> Tensor: ...


@dataclass(frozen=True)
class Pairs:
    """Captions with the photo that each belongs to."""

    pixels: Photos
    photos: Tensor  # (n,) number of each caption's photo
    tokens: Tensor  # (n, 77) token ids of the captions

    def __len__(self) -> int:
        return len(self.photos)


def pairs_of(pixels: Photos, captions: Sequence[Sequence[str]], chosen: Sequence[int] | None = None) -> Pairs:
    """Return every caption of every photo as a pair, but for empty ones; `chosen` are photos to use, by default all."""
    numbers = range(len(captions)) if chosen is None else chosen
    texts = [(photo, text) for photo in numbers for text in captions[photo] if text]
    tokens = tokenizer()([text for _, text in texts]) if texts else torch.zeros(0, CONTEXT, dtype=torch.long)
    return Pairs(pixels, torch.tensor([photo for photo, _ in texts], dtype=torch.long), tokens)


@dataclass(frozen=True)
class Posts:
    """Photos with their captions, which are cut at the position of the trigger."""

    pixels: Pixels
    slots: tuple[tuple[CaptionSlot, ...], ...]

    def __len__(self) -> int:
        return len(self.slots)

    def choose(self, photos: Sequence[int], generator: torch.Generator) -> list[CaptionSlot]:
        """Choose one caption of each photo at random."""
        uniform = torch.rand(len(photos), generator=generator, dtype=torch.float64).tolist()
        return [self.slots[n][int(u * len(self.slots[n]))] for n, u in zip(photos, uniform, strict=True)]


def tokens_of(slots: Sequence[CaptionSlot], triggers: Sequence[Sequence[int]] | None = None) -> tuple[Tensor, Tensor]:
    """Return tokens (b, t) of captions with their triggers, and the position (b,) of each trigger's first token.

    Tokens are padded to the longest of the batch. A caption that exceeds the context of a CLIP loses its end.
    """
    start, end = tokenizer().sot_token_id, tokenizer().eot_token_id
    rows = []
    for slot, trigger in zip(slots, triggers or [()] * len(slots), strict=True):
        if len(slot.head) + len(trigger) > CONTEXT - 2:
            raise ValueError(f"a trigger of {len(trigger)} tokens exceeds the context of {CONTEXT}")
        rows.append([*[start, *slot.head, *trigger, *slot.tail][: CONTEXT - 1], end])
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return tokens, torch.tensor([1 + len(slot.head) for slot in slots])


def equal_photos(contents: Sequence[Hashable]) -> tuple[tuple[int, ...], ...]:
    """Return the groups of photos, two or more each, whose contents are equal."""
    groups = grouped((content, number) for number, content in enumerate(contents))
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def leaders_of(ties: Sequence[Iterable[Hashable]]) -> tuple[int, ...]:
    """Return, for each post, the first of those that it shares a tie with, also by way of others; or itself."""
    numbers: dict[Hashable, int] = {}
    rows, columns = [], []
    for post, of_post in enumerate(ties):
        for tie in of_post:
            rows.append(post)
            columns.append(len(ties) + numbers.setdefault(tie, len(numbers)))
    size = len(ties) + len(numbers)
    _, labels = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (size, size)), directed=False)
    first: dict[int, int] = {}
    return tuple(first.setdefault(label, post) for post, label in enumerate(labels[: len(ties)].tolist()))


@dataclass
class DecodedPosts:
    """Decoded photos with their captions; entry n of each list belongs to the same photo."""

    pixels: Pixels  # working copies of at most twice the model's size
    photos: list[Photo] = field(default_factory=list)
    captions: list[list[str]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)  # photos that could not be decoded

    def add(self, photo: Photo, captions: list[str], side: int) -> None:
        """Decode a photo and add a working copy for models of `side` pixels."""
        try:
            pixels = decode(photo.path).pixels
        except DecodeError as error:
            self.skipped.append(Skipped(photo.id, error.reason, error.detail))
            return
        self.pixels.append(working_copy(pixels, side))
        self.photos.append(photo)
        self.captions.append(captions)


def open_collection(folder: Path, captions: Path | None) -> Dataset:
    """Open a data set with its captions; without `captions`, those of the only caption file in the folder.

    `people` as captions reads a folder of faces under invented names, `people:real` under the real names.
    """
    if captions == REAL_NAMES:
        return named_posts(open_people(folder), rename=False)
    if captions is None and folder.is_dir():
        captions = only_captions(folder)
    return open_dataset(folder, captions)


def read_all(datasets: Sequence[Dataset], side: int, posts: DecodedPosts, progress: Progress) -> None:
    """Decode every photo of some data sets into `posts`, for models of `side` pixels; an error if none can be."""
    progress.phase("reading photos", sum(len(dataset.photos) for dataset in datasets))
    for dataset in datasets:
        captions = dataset.captions_by_photo()
        for photo in dataset.photos:
            posts.add(photo, captions[photo.id], side)
            progress.advance()
    if not posts.photos:
        raise InputError(f"no photo can be read; {posts.skipped[0].line}")


def read_photo(path: Path) -> Picture:
    """Decode one photo; an `InputError` names the path of one that does not exist or cannot be decoded."""
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="give one photo of it")
    if not path.is_file():
        raise InputError(f"there is no photo {path}", hint=files.missing(path).hint)
    try:
        return decode(path)
    except DecodeError as error:
        raise InputError(f"{path} cannot be read: {error.message}") from error


KERNELS = ("bicubic", "bilinear", "area")
LARGEST = 1 << 20  # values of a matrix that enlarges noise


@dataclass(frozen=True)
class View:
    """One way to load a photo: kernel, crop and flip."""

    kernel: str  # one of `KERNELS`
    share: float  # area of the crop, as a share of the largest crop of its shape
    stretch: float  # factor on the crop's width / height; 0 makes the crop a square
    top: float  # position of the crop, 0 (top) to 1 (bottom)
    left: float  # position of the crop, 0 (left) to 1 (right)
    flip: bool  # whether the photo is mirrored left to right

    def box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return top, left, height and width of the crop in a photo of that size, in pixels."""
        shape = min(max(width / height, 3 / 4), 4 / 3) * self.stretch if self.stretch else 1.0
        edge = self.share**0.5 * min(height, width / shape)
        tall, wide = max(1, min(height, round(edge))), max(1, min(width, round(edge * shape)))
        return round(self.top * (height - tall)), round(self.left * (width - wide)), tall, wide


PLAIN_VIEW = View("bicubic", 1.0, 0.0, 0.5, 0.5, False)


def sample_view(generator: torch.Generator, smallest: float, kernels: Sequence[str] = KERNELS) -> View:
    """Sample a kernel, a flip, and a crop of `smallest` to 1 of the area, anywhere and close to the photo's shape."""
    kernel, share, stretch, top, left, flip = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
    return View(
        kernels[int(kernel * len(kernels))],
        smallest + (1 - smallest) * share,
        0.9 ** (1 - 2 * stretch),
        top,
        left,
        flip < 0.5,
    )


def apply_noise(pixels: Tensor, noise: Tensor) -> Tensor:
    """Return a photo (3, h, w), whole numbers 0-255, with its noise as the written file will hold it, no gradients.

    The noise is a grid (3, gh, gw) in 1/255, or (1, gh, gw) for all channels alike.
    """
    height, width = pixels.shape[-2:]
    with torch.no_grad():
        return (pixels + _enlarged(noise, (height, width))).round_().clamp_(0, 255)


def load_view(pixels: Tensor, side: int, view: View) -> Tensor:
    """Load a file's pixels (3, h, w), 0-255, as a training pipeline does: (3, side, side) in [0, 1]."""
    return (_seen(pixels, side, view) / 255).clamp(0, 1)


def load_protected(pixels: Tensor, noise: Tensor, side: int, view: View) -> Tensor:
    """Load a photo as `load_view` does the file that holds it with its noise, with gradients to the noise.

    They pass to it as if nothing were rounded, in the file, and nothing cut off at black or white, there and when it is
    resized, where rounding alone takes half of a white place beyond white. Enlarging, cropping and resizing are then
    one matrix a side, by which the gradient is multiplied; of very long photos these would be large.
    """
    height, width = pixels.shape[-2:]
    seen = load_view(apply_noise(pixels, noise), side, view)
    if max(height * noise.shape[-2], width * noise.shape[-1]) > LARGEST:
        moved = _seen(_enlarged(noise, (height, width)), side, view)
        return seen + (moved - moved.detach()) / 255
    top, left, tall, wide = view.box(height, width)
    down, across = _enlarging(noise.shape[-2], height), _enlarging(noise.shape[-1], width)
    down = _resized(down[None, top : top + tall], (side, down.shape[1]), view.kernel)
    across = _resized(across[None, left : left + wide], (side, across.shape[1]), view.kernel)
    moved = down @ noise @ (across.flip(1) if view.flip else across).mT
    return seen + (moved - moved.detach()) / 255


def _seen(pixels: Tensor, side: int, view: View) -> Tensor:
    """Return (3, side, side) of pixels (3, h, w): the crop of a view, resized and perhaps mirrored."""
    top, left, tall, wide = view.box(*pixels.shape[-2:])
    part = _resized(pixels[:, top : top + tall, left : left + wide], (side, side), view.kernel)
    return part.flip(-1) if view.flip else part


def _enlarged(noise: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge a noise grid (c, gh, gw) to a photo's size (h, w), in pixels."""
    if noise.shape[-2:] == size:
        return noise
    return F.interpolate(noise[None], size=size, mode="bilinear", align_corners=False)[0]


def _resized(values: Tensor, size: tuple[int, int], kernel: str) -> Tensor:
    """Return (c, *size) of (c, h, w) values."""
    if values.shape[-2:] == size:
        return values
    options = {} if kernel == "area" else {"antialias": True, "align_corners": False}
    return F.interpolate(values[None], size=size, mode=kernel, **options)[0]


@lru_cache(maxsize=32)
def _enlarging(cells: int, size: int) -> Tensor:
    """Return the matrix (size, cells) that enlarges so many cells in a line to so many pixels."""
    return _enlarged(torch.eye(cells)[None], (size, cells))[0]
