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
VERSIONS: dict[ArmName, Version] = {  # of the photos; of other arms clean ones
    "protected": "protected",
    "noise-only": "protected",
    "half": "protected",
    "random": "random",
}


@dataclass
class Arms:
    """The photos and captions of the training posts in every version, through every attack, that a run needs."""

    posts: Sequence[PostPair]
    side: int  # largest image size of the victims, in pixels
    scratch: Path  # folder for working copies, which the caller removes
    background: DecodedPosts  # other people's clean posts, which are in every arm
    seed: int  # of the random noise and words
    leaked: frozenset[int] = frozenset()  # numbers of the posts that are clean in the arm "half"
    _photos: dict[tuple[Version, str], Pixels] = field(default_factory=dict)
    _captions: dict[tuple[ArmName, str], list[list[str]]] = field(default_factory=dict)

    def read(self, cells: Sequence[tuple[ArmName, Attack]], progress: Progress) -> None:
        """Decode the photos, and change photos and captions, for `cells`: pairs of arm and attack."""
        attacks = {(VERSIONS.get(data, "clean"), attack.name): attack for data, attack in cells}
        self._photos = {key: Pixels.create(self.scratch / f"{n}.u8") for n, key in enumerate(attacks)}
        self._captions = {(data, attack.name): [] for data, attack in cells}
        progress.phase("reading both versions", len(self.posts))
        for number, post in enumerate(self.posts):
            original, protected = read_both(post)
            for (version, name), attack in attacks.items():
                if version == "random":
                    before = _random_noise(original, protected, self.side, [self.seed, number])
                else:
                    before = (protected if version == "protected" else original).pixels
                self._photos[version, name].append(working_copy(attack.image(before), self.side))
            for (data, name), captions in self._captions.items():
                captions.append(self._captions_of(data, attacks[VERSIONS.get(data, "clean"), name], number))
            progress.advance()

    def _captions_of(self, data: ArmName, attack: Attack, number: int) -> list[str]:
        """Return the captions of a post in an arm, after an attack; a clean post that leaked is as it was."""
        post, texts = self.posts[number], self.posts[number].clean
        if data == "half" and number in self.leaked:
            return list(texts)
        if data in ("protected", "trigger-only", "half"):
            texts = post.published
        elif data == "random":
            texts = tuple(_random_words(post, self.seed, number) + text for text in post.clean)
        return [attack.caption(text) for text in texts]

    def captions(self, data: ArmName, attack: Attack) -> list[list[str]]:
        """Return the captions of each post in an arm."""
        return [] if data == "absent" else self._captions[data, attack.name]

    def _stores(self, data: ArmName, attack: Attack) -> tuple[Pixels | Mixed, ...]:
        if data == "absent":
            return (self.background.pixels,)
        own = self._photos[VERSIONS.get(data, "clean"), attack.name]
        mixed = Mixed(own, self._photos["clean", AS_PUBLISHED], self.leaked) if data == "half" else own
        return (mixed, self.background.pixels)

    def pairs(self, data: ArmName, attack: Attack) -> Pairs:
        """Return the pairs to train a victim on: the posts, unless they are absent, then other people's."""
        captions = [*self.captions(data, attack), *self.background.captions]
        return pairs_of(Joined(self._stores(data, attack)), captions)

    def published(self, attack: Attack, count: int) -> Pairs:
        """Return the first posts as they were published, to test whether a victim learnt the shortcut."""
        captions = self.captions("protected", attack)
        return pairs_of(self._photos["protected", attack.name], captions, range(min(len(captions), count)))

    def digest(self, data: ArmName, attack: Attack) -> str:
        """Return the hex SHA-256 of the photos of an arm as they are loaded, and of the captions."""
        pairs, digest = self.pairs(data, attack), hashlib.sha256()
        for store in self._stores(data, attack):
            digest.update(store.sha256().encode())
        digest.update(pairs.tokens.numpy().tobytes() + pairs.photos.numpy().tobytes())
        return digest.hexdigest()


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
