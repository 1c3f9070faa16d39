"""What each arm of `verify` trains a victim on: photos and captions, clean, protected, and half of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

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
Version = Literal["clean", "protected", "random"]


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
    _photos: dict[tuple[Version, str], Pixels] = field(default_factory=dict)

    def pairs(self, data: Data, attack: Attack) -> Pairs:
        """Return what a victim is trained on in the arm `data`, after the attack."""
        photos = self._photos[_version(data), attack.name]
        captions = [[attack.caption(text) for text in self._texts(data, n)] for n in range(len(self.posts))]
        return pairs_of(Joined((photos, self.background.pixels)), [*captions, *self.background.captions])

    def published(self, attack: Attack, numbers: Sequence[int]) -> Pairs:
        """Return some of the protected posts after the attack, to see whether a victim learnt the shortcut."""
        captions = [[attack.caption(text) for text in post.published] for post in self.posts]
        return pairs_of(self._photos["protected", attack.name], captions, numbers)

    def digest(self, data: Data, attack: Attack) -> str:
        """sha256 of all that an arm is trained on: the photos as they are loaded, and the captions."""
        pairs = self.pairs(data, attack)
        stores = (self._photos[_version(data), attack.name], self.background.pixels)
        parts = [store.sha256() for store in stores] + [hashlib.sha256(pairs.tokens.numpy().tobytes()).hexdigest()]
        return " ".join([*parts, str(pairs.photos.tolist())])

    def read(self, cells: Sequence[tuple[Data, Attack]], progress: Progress) -> None:
        """Decode the photos in every version that `cells`, of arm and attack, need.

        Raises:
            InputError: a protected photo cannot be read or has another size than its original; it is named.
        """
        attacks = {(_version(data), attack.name): attack for data, attack in cells}
        self._photos = {key: Pixels(self.scratch / f"{n}.u8") for n, key in enumerate(attacks)}
        progress.phase("reading both versions", len(self.posts))
        for number, post in enumerate(self.posts):
            original, protected = read_both(post)
            for key, attack in attacks.items():
                before = self._before(key[0], original, protected, number)
                self._photos[key].append(working_copy(attack.image(before), 2 * self.side))
            progress.advance()

    def _before(self, version: Version, original: Image, protected: Image, number: int) -> Image:
        """Return the photo that an attack is made on."""
        if version == "random":
            return _random_noise(original, protected, self.side, [self.seed, number])
        return protected if version == "protected" else original

    def _texts(self, data: Data, number: int) -> Sequence[str]:
        post = self.posts[number]
        if data in ("protected", "trigger-only"):
            return post.published
        return (
            [_random_words(post, self.seed, number) + text for text in post.clean] if data == "random" else post.clean
        )


def _version(data: Data) -> Version:
    """Return which photos an arm is trained on."""
    versions: dict[Data, Version] = {"protected": "protected", "noise-only": "protected", "random": "random"}
    return versions.get(data, "clean")


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
