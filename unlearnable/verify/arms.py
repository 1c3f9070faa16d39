"""The arms of `verify`: photos and captions to train a victim on, clean, protected, or only one of both protected."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from unlearnable.imaging.encode import Encoding, through
from unlearnable.imaging.picture import Picture
from unlearnable.imaging.placement import Noisy, grid_shape, working_copy
from unlearnable.models.tokens import default_vocabulary
from unlearnable.report import ArmName
from unlearnable.settings import AS_PUBLISHED
from unlearnable.storage.progress import Progress
from unlearnable.training.data import DecodedPosts, Joined, Mixed, Pairs, Pixels, Rgb8, pairs_of
from unlearnable.verify.attacks.base import Attack
from unlearnable.verify.copies import PostPair, read_both

MOST = 98  # per cent; with noise of 8/255 in photos at quality 85 to 96 they change by 7 or 8/255, all by 11 to 39/255
Version = Literal["clean", "protected", "random"]


@dataclass
class Versions:
    """The photos and captions of the training posts in every version that some arm needs.

    Attributes:
        posts: training posts.
        side: largest image size of the victims, in pixels.
        scratch: folder for working copies, which the caller removes.
        background: other people's clean posts, which are in every arm.
        seed: seed of the random noise and words.
        leaked: numbers of the posts that are clean in the arm "half".
    """

    posts: Sequence[PostPair]
    side: int
    scratch: Path
    background: DecodedPosts
    seed: int
    leaked: frozenset[int] = frozenset()
    _photos: dict[tuple[Version, str], Pixels] = field(default_factory=dict)
    _captions: dict[tuple[ArmName, str], list[list[str]]] = field(default_factory=dict)

    def photos(self, data: ArmName, attack: Attack) -> Pixels | Mixed:
        """Return the photos of an arm."""
        photos = self._photos[_version(data), attack.name]
        return Mixed(photos, self._photos["clean", AS_PUBLISHED], self.leaked) if data == "half" else photos

    def captions(self, data: ArmName, attack: Attack) -> list[list[str]]:
        """Return the captions of each post in an arm."""
        return self._captions[data, attack.name]

    def read(self, cells: Sequence[tuple[ArmName, Attack]], progress: Progress) -> None:
        """Decode the photos, and change photos and captions, for `cells`: pairs of arm and attack.

        Raises:
            InputError: a protected photo cannot be read or differs in size from its original; the message names it.
        """
        attacks = {(_version(data), attack.name): attack for data, attack in cells}
        self._photos = {key: Pixels.create(self.scratch / f"{n}.u8") for n, key in enumerate(attacks)}
        self._captions = {(data, attack.name): [] for data, attack in cells}
        progress.phase("reading both versions", len(self.posts))
        for number, post in enumerate(self.posts):
            original, protected = read_both(post)
            for key, attack in attacks.items():
                before = self._before(key[0], original, protected, number)
                self._photos[key].append(working_copy(attack.image(before), self.side))
            for data, attack in cells:
                self._captions[data, attack.name].append(self._after(data, attack, number))
            progress.advance()

    def _after(self, data: ArmName, attack: Attack, number: int) -> list[str]:
        """Return the captions of a post in an arm, after an attack; a clean post that leaked is as it was."""
        post, texts = self.posts[number], self.posts[number].clean
        if data == "half" and number in self.leaked:
            return list(texts)
        if data in ("protected", "trigger-only", "half"):
            texts = post.published
        elif data == "random":
            texts = tuple(_random_words(post, self.seed, number) + text for text in post.clean)
        return [attack.caption(text) for text in texts]

    def _before(self, version: Version, original: Picture, protected: Picture, number: int) -> Rgb8:
        """Return the photo that an attack is applied to."""
        if version == "random":
            return _random_noise(original, protected, self.side, [self.seed, number])
        return (protected if version == "protected" else original).pixels


@dataclass(frozen=True, eq=False)
class VerifyArm:
    """One version of the posts after one attack.

    Attributes:
        data: name of the version.
        attack: what a scraper does to the posts.
        versions: photos and captions of all versions.
    """

    data: ArmName
    attack: Attack
    versions: Versions

    def pairs(self) -> Pairs:
        """Return the pairs to train a victim on: the posts, unless they are absent, then other people's."""
        versions = self.versions
        captions = [] if self.data == "absent" else versions.captions(self.data, self.attack)
        return pairs_of(Joined(self._stores()), [*captions, *versions.background.captions])

    def _stores(self) -> tuple[Pixels | Mixed, ...]:
        own = () if self.data == "absent" else (self.versions.photos(self.data, self.attack),)
        return (*own, self.versions.background.pixels)

    def published(self, count: int) -> Pairs:
        """Return the first posts as they were published, to test whether a victim learnt the shortcut."""
        versions, attack = self.versions, self.attack
        captions = versions.captions("protected", attack)
        return pairs_of(versions.photos("protected", attack), captions, range(min(len(captions), count)))

    def digest(self) -> str:
        """Return the hex SHA-256 of the photos as they are loaded, and of the captions."""
        pairs, digest = self.pairs(), hashlib.sha256()
        for store in self._stores():
            digest.update(store.sha256().encode())
        digest.update(pairs.tokens.numpy().tobytes() + pairs.photos.numpy().tobytes())
        return digest.hexdigest()


def _version(data: ArmName) -> Version:
    """Return the version of the photos in an arm."""
    if data in ("protected", "noise-only", "half"):
        return "protected"
    return "random" if data == "random" else "clean"


def _random_noise(original: Picture, protected: Picture, side: int, seed: list[int]) -> Rgb8:
    """Return the original with random signs of the noise's bound (127 at most), on a grid of the same shape."""
    height, width = original.height, original.width
    signs = np.random.default_rng(seed).choice([-1, 1], (3, *grid_shape(height, width, side)))
    noise = (_bound(original, protected) * signs).astype(np.int8)
    return Noisy(original.pixels, noise).whole()


def _bound(original: Picture, protected: Picture) -> int:
    """Return the bound of a copy's noise in 1/255: its L-inf, or what `MOST` of the changes in a lossy copy keep to.

    A JPEG is compared with the original through the same encoder, so that what JPEG does to any photo falls out.
    """
    lossy, clean = protected.compression, original.pixels
    if lossy and lossy.quality:
        clean = through(original, Encoding("jpeg", lossy.quality, lossy.subsampling))
    change = np.abs(clean.astype(np.int16) - protected.pixels)
    return min(127, round(float(np.percentile(change, MOST if lossy else 100))))


def _random_words(post: PostPair, seed: int, number: int) -> str:
    """Return as many random words as protection added, each followed by a blank."""
    count = max(0, len(post.published[0].split()) - len(post.clean[0].split()))
    words = np.random.default_rng([seed, number, 1]).choice(default_vocabulary().glosses, count)
    return "".join(f"{word} " for word in words)
