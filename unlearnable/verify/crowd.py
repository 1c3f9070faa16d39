"""Other people's posts beside the protected ones, and whom models know among them (IDIA)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import torch
from torch import Tensor

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.posts.faces import full_names
from unlearnable.report import MeanRetrieval
from unlearnable.training.data import Pairs
from unlearnable.training.retrieval import embed, embed_texts, hit, medr
from unlearnable.verify.findings import interval
from unlearnable.wording import grouped

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
    invented = (name for name in full_names(NAMES + len(real), 1) if name not in set(real))
    names = [*real, *(name for name, _ in zip(invented, range(NAMES - len(real)), strict=False))]
    tokens = torch.stack([tokenizer()([prompt.format(name=name) for name in names]) for prompt in PROMPTS])
    numbers = [-1 if name is None else people.index(name) for name in shown]
    return Identities(people, torch.tensor(numbers), tokens)


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
