"""What each arm of `verify` trains a victim on: photos and captions, clean, protected, and half of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnable.attacks import parse_attack
from unlearnable.attacks.base import Attack
from unlearnable.imaging.placement import add, enlarge, grid_shape, working_copy
from unlearnable.models.tokens import default_vocabulary
from unlearnable.progress import Progress
from unlearnable.results import Data
from unlearnable.training.pairs import Joined, Pairs, pairs_of
from unlearnable.training.posts import Pixels
from unlearnable.workflows.matching import Post, read_both
from unlearnable.workflows.reading import Shelf

Image = NDArray[np.uint8]


@dataclass
class Arms:
    """The photos of the training posts in every version that some arm needs, and their captions.

    Attributes:
        posts: the training posts.
        side: the largest image size of the victims.
        scratch: a folder for working copies, which the caller removes.
        background: other people's clean posts, in every arm.
        seed: of the random noise and words.
    """

    posts: Sequence[Post]
    side: int
    scratch: Path
    background: Shelf
    seed: int
    _photos: dict[str, Pixels] = field(default_factory=dict)

    def pairs(self, data: Data, through: str) -> Pairs:
        """What a victim is trained on in the arm `data`, after the attack `through`."""
        change = parse_attack(through)
        photos = self._photos[_version(data, through)]
        captions = [[change.caption(text) for text in self._texts(data, n)] for n in range(len(self.posts))]
        return pairs_of(Joined((photos, self.background.pixels)), [*captions, *self.background.captions])

    def published(self, through: str, numbers: Sequence[int]) -> Pairs:
        """Some of the posts as they were published, to see whether a victim learnt the shortcut."""
        change = parse_attack(through)
        captions = [[change.caption(text) for text in post.published] for post in self.posts]
        return pairs_of(self._photos[_version("protected", through)], captions, numbers)

    def digest(self, data: Data, through: str) -> str:
        """sha256 of all that an arm is trained on: the photos as they are loaded, and the captions."""
        pairs = self.pairs(data, through)
        stores = (self._photos[_version(data, through)], self.background.pixels)
        parts = [store.sha256() for store in stores] + [hashlib.sha256(pairs.tokens.numpy().tobytes()).hexdigest()]
        return " ".join([*parts, str(pairs.photos.tolist())])

    def read(self, cells: Sequence[tuple[Data, str]], progress: Progress) -> None:
        """Decode the photos in every version that `cells`, of arm and attack, need.

        Raises:
            InputError: a protected photo cannot be read or has another size than its original; it is named.
        """
        wanted = sorted({_version(data, through) for data, through in cells})
        self._photos = {name: Pixels(self.scratch / f"{n}.u8") for n, name in enumerate(wanted)}
        makers = {name: _maker(name, self.side, self.seed) for name in wanted}
        progress.phase("reading both versions", len(self.posts))
        for number, post in enumerate(self.posts):
            original, protected = read_both(post)
            for name, make in makers.items():
                self._photos[name].append(working_copy(make(original, protected, number), 2 * self.side))
            progress.advance()

    def _texts(self, data: Data, number: int) -> Sequence[str]:
        post = self.posts[number]
        if data in ("protected", "trigger-only"):
            return post.published
        return (
            [_random_words(post, self.seed, number) + text for text in post.clean] if data == "random" else post.clean
        )


def _version(data: Data, through: str) -> str:
    """The name of the photos an arm is trained on."""
    kind = {"protected": "protected", "noise-only": "protected", "random": "random"}.get(data, "clean")
    return f"{kind} {through}"


def _maker(version: str, side: int, seed: int) -> Callable[[Image, Image, int], Image]:
    kind, _, through = version.partition(" ")
    change: Attack = parse_attack(through)

    def make(original: Image, protected: Image, number: int) -> Image:
        if kind == "random":
            return change.image(_random_noise(original, protected, side, [seed, number]))
        return change.image(protected if kind == "protected" else original)

    return make


def _random_noise(original: Image, protected: Image, side: int, seed: list[int]) -> Image:
    """The original under random signs as large as the protection's noise (L-inf, 127 at most), on a grid like its."""
    bound = min(127, int(np.abs(original.astype(np.int16) - protected).max()))
    height, width, _ = original.shape
    signs = np.random.default_rng(seed).choice([-1, 1], (3, *grid_shape(height, width, side)))
    return add(original, enlarge((bound * signs).astype(np.int8), height, width, "bilinear"))


def _random_words(post: Post, seed: int, number: int) -> str:
    """As many random words as protection added, with a blank behind."""
    count = max(0, len(post.published[0].split()) - len(post.clean[0].split()))
    words = np.random.default_rng([seed, number, 1]).choice(default_vocabulary().words, count)
    return "".join(f"{word} " for word in words)
