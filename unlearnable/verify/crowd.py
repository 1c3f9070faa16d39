"""Other people's posts beside the protected ones, and whom models know among them (IDIA)."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import torch
from torch import Tensor

from unlearnable.errors import InputError
from unlearnable.imaging.visibility import near_duplicates
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.posts import Dataset, Skipped, faces
from unlearnable.report import MeanRetrieval
from unlearnable.settings import VerifySettings
from unlearnable.training.data import DecodedPosts, Pairs
from unlearnable.training.retrieval import embed, embed_texts, hit, medr
from unlearnable.verify.copies import HeldOut, Split, hold_out, names, open_originals, open_others
from unlearnable.verify.findings import interval
from unlearnable.wording import counted, grouped

NAMES = 1000
"""How many names a model chooses from: those of all people in the trainings, and invented ones."""
PROMPTS = (
    "{name}", "this is {name}", "here you can see {name}", "a picture of {name}", "a snapshot of {name}",
    "the face of {name}", "a person called {name}", "someone whose name is {name}", "a profile picture of {name}",
    "a blurry picture of {name}", "a bright picture of {name}", "{name} in front of the camera",
    "{name} looking into the camera", "{name} at home", "{name} on a stage", "{name} with friends",
    "{name} last summer", "a nice picture of my friend {name}", "an old photo of {name}", "a selfie by {name}",
    "{name}, photographed in the street",
)  # fmt: skip


@dataclass(frozen=True)
class Crowd:
    """Other people's posts."""

    train: Dataset  # which every victim is trained on
    held_out: HeldOut  # in the gallery
    skipped: list[Skipped]


def open_crowd(settings: VerifySettings) -> Crowd | None:
    """Open the crowd and hold photos of it out, under names that none of the protected people has; None without one."""
    if settings.crowd is None:
        return None
    known = names(faces.people_of(open_originals(settings)))
    posts = faces.named_apart(open_others(settings.crowd, settings), known)
    inside = faces.people_of(posts)
    held_out = hold_out(posts, posts.photos, settings.crowd_test, {**known, **names(inside)}, settings)
    held_out = replace(held_out, people={**inside, **held_out.people})
    if both := sorted(known.keys() & names(held_out.people).keys()):
        raise InputError(
            f"{both[0]} is among the protected people and in the crowd {settings.crowd}",
            hint="take their photos out of the crowd",
        )
    if not held_out.training or not held_out.photos:
        raise InputError(
            f"{counted(len(held_out.training), 'photo')} of the crowd to train on and {len(held_out.photos)} held out "
            "are too few",
            hint="use more photos, a larger `test_fraction`, or separate photos with `crowd_test`",
        )
    train = replace(posts.of({posts.photos[n].id for n in held_out.training}), skipped=())
    return Crowd(train, held_out, [*posts.skipped, *held_out.skipped])


def apart(crowd: Crowd, posts: Split) -> Crowd:
    """Return the crowd without held-out photos that are near-duplicates of the user's, which would be ranked twice."""
    near, photos = set(near_duplicates(crowd.held_out.paths, posts.held_out.paths)), crowd.held_out.photos
    dropped = [Skipped(photos[n][0].id, "near-duplicate", "of a photo of yours that is ranked") for n in sorted(near)]
    kept = [held for n, held in enumerate(photos) if n not in near]
    return replace(crowd, held_out=replace(crowd.held_out, photos=kept), skipped=[*crowd.skipped, *dropped])


def leaked_posts(count: int, share: float, seed: int) -> frozenset[int]:
    """Return the numbers of the posts, of `count`, that leaked clean: at least one, but not all."""
    if count < 2:
        raise InputError(
            f"{count} photo of the protected people to train on is too few: one is to leak, and one not",
            hint="use more photos, or hold fewer out",
        )
    return frozenset(random.Random(seed).sample(range(count), min(max(1, round(share * count)), count - 1)))


@dataclass(frozen=True)
class Identities:
    """The people whom a model is asked for, and the names that it chooses from."""

    people: tuple[str, ...]  # names, each once
    shown: Tensor  # (p,) number in `people` of who is on each photo of the gallery; -1 for photos that do not count
    tokens: Tensor  # (prompts, names, 77) token ids of every name in every prompt, those of `people` first

    @cached_property
    def sha256(self) -> str:
        """The hex SHA-256 of the people, their photos and the prompts with their names."""
        parts = f"{self.people} {self.shown.tolist()} ".encode() + self.tokens.numpy().tobytes()
        return hashlib.sha256(parts).hexdigest()


def identities(shown: Sequence[str | None], others: Sequence[str] = ()) -> Identities:
    """Return the people `shown` on each photo of a gallery, to be told from the others and from invented people.

    Photos without a name do not count.
    """
    people = tuple(dict.fromkeys(name for name in shown if name is not None))
    real = list(dict.fromkeys((*people, *others)))
    invented = (name for name in faces.full_names(NAMES + len(real), 1) if name not in set(real))
    called = [*real, *(name for name, _ in zip(invented, range(NAMES - len(real)), strict=False))]
    tokens = torch.stack([tokenizer()([prompt.format(name=name) for name in called]) for prompt in PROMPTS])
    numbers = [-1 if name is None else people.index(name) for name in shown]
    return Identities(people, torch.tensor(numbers), tokens)


def asked_for(posts: Split, crowd: Crowd, gallery: DecodedPosts, own: int) -> Identities | None:
    """Return the protected people, who are on the first `own` photos of the gallery; None if not all of them are known.

    A model has to tell them from the crowd and from people who do not exist.
    """
    people = posts.held_out.people
    shown = [people[photo.id].name if photo.id in people else None for photo in gallery.photos[:own]]
    if None in shown:
        return None
    others = sorted(set(names(crowd.held_out.people).values()))
    return identities([*shown, *[None] * (len(gallery.photos) - own)], others)


def recognised(model: DualEncoder, gallery: Pairs, asked: Identities) -> list[bool]:
    """Return whether a model recognises each of the people on the photos of a gallery."""
    prompts, names, length = asked.tokens.shape
    texts = embed_texts(model, asked.tokens.view(-1, length))
    images, _, _ = embed(model, gallery)
    counted = asked.shown >= 0  # a crowd has many photos of others, and each takes as many numbers as there are names
    chosen, shown = choices(images[counted], texts.view(prompts, names, -1)), asked.shown[counted]
    return [majority(chosen[:, shown == person], person) for person in range(len(asked.people))]


def choices(images: Tensor, names: Tensor) -> Tensor:
    """Return the most similar name of each photo for each prompt, (prompts, photos); -1 where several are most similar.

    Features are normalised, (photos, d) and (prompts, names, d); as in `retrieval`, equal ones tie.
    """
    found = []
    for each in names:
        scores = (images.double() @ each.double().T).float()
        best, chosen = scores.max(dim=1)
        found.append(torch.where((scores == best[:, None]).sum(dim=1) == 1, chosen, -1))
    return torch.stack(found)


def majority(chosen: Tensor, person: int) -> bool:
    """Return whether a prompt has the person's name chosen for more of their photos than any other.

    `chosen` holds the numbers of names, (prompts, photos); -1 is none.
    """
    for votes in chosen:
        names, counts = votes[votes >= 0].unique(return_counts=True)
        if int(counts[names == person].sum()) > max([0, *counts[names != person].tolist()]):
            return True
    return False


Units = Sequence[Sequence[int]]
"""The ranks of the queries of each unit: of one photo, or of a group that was protected together."""


def mean_retrieval(seeds: Sequence[Units]) -> MeanRetrieval:
    """Return means over seeds of Hit@k and Medr, and the interval of Hit@10 over units and seeds.

    What a unit adds is its hits by the mean number of queries, so that the mean over units is the mean over queries.
    """
    pooled = [torch.tensor([rank for unit in units for rank in unit]) for units in seeds]
    found = [
        [hit(torch.tensor(unit)) * len(unit) * len(units) / len(ranks) for unit in units]
        for units, ranks in zip(seeds, pooled, strict=True)
    ]
    low, high = interval(found)
    return MeanRetrieval(
        hit1=fmean(hit(ranks, 1) for ranks in pooled),
        hit5=fmean(hit(ranks, 5) for ranks in pooled),
        hit10=fmean(map(hit, pooled)),
        medr=fmean(map(medr, pooled)),
        low=round(low, 6),
        high=round(high, 6),
    )


def by_photo(ranks: Sequence[int], photo_of: Sequence[int] = ()) -> Units:
    """Return the ranks of queries by their photo, n of query n where none is given: its captions count together."""
    return list(grouped(zip(photo_of or range(len(ranks)), ranks, strict=True)).values())


def share(recognised: Sequence[Sequence[bool] | None]) -> float | None:
    """Return the share of people recognised, mean over seeds; None if nobody was asked for."""
    known = [fmean(people) for people in recognised if people]
    return fmean(known) if known else None
