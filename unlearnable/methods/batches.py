"""A batch of posts as a model sees it, and its contrastive loss; the loss of every post."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from unlearnable.errors import ModelError
from unlearnable.methods.base import AnySession
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import ENCODERS, computing, encode_photos, encode_texts, in_bf16
from unlearnable.models.tokens import CaptionSlot
from unlearnable.settings import Precision
from unlearnable.training.data import PLAIN_VIEW, apply_noise, load_view, sample_view, tokens_of
from unlearnable.training.distributed import ALONE, World
from unlearnable.training.loop import contrastive_loss, same_source_mask

DECOY_LENGTH = 3  # words, for methods without a trigger


def shuffled_batches(photos: Tensor, size: int, generator: torch.Generator) -> list[list[int]]:
    """Return photos in random order, in batches of about equal size, none larger than `size`."""
    shuffled = photos[torch.randperm(len(photos), generator=generator)]
    count = max(1, -(-len(shuffled) // size))
    return [part.tolist() for part in shuffled.tensor_split(count) if len(part)]


def in_order(count: int, size: int) -> Iterator[range]:
    """Return the photos 0 .. count - 1 in batches of about equal size, none larger than `size`."""
    parts = max(1, -(-count // size))
    edges = [count * n // parts for n in range(parts + 1)]
    return (range(a, b) for a, b in pairwise(edges))


def views(session: AnySession, photos: Sequence[int], side: int) -> Tensor:
    """Return this process's share (b, 3, side, side) of a batch of protected photos, each loaded in its own way."""
    problem, settings, state = session.problem, session.settings, session.state
    samples = [sample_view(state.generator, settings.smallest_crop) for _ in photos]

    def loaded(row: int) -> Tensor:
        noise = state.noise.read(photos[row])
        return load_view(apply_noise(problem.posts.pixels[photos[row]], noise), side, samples[row])

    return torch.stack([loaded(row) for row in problem.world.share(len(photos))])


def caption_mask(tokens: Tensor) -> Tensor:
    """Return (b, b): pairs of different photos with the same text, which are not each other's negatives."""
    _, numbers = torch.unique(tokens, dim=0, return_inverse=True)
    return same_source_mask(torch.arange(len(tokens)), numbers)


def decoy_tokens(session: AnySession, slots: Sequence[CaptionSlot]) -> Tensor | None:
    """Return (m, t) captions of the batch behind random wrong words, as tokens; None where there are posts enough.

    With few posts there is little to confuse a photo with, and a loss near zero proves nothing; with one there is no
    gradient. The decoys are further negatives: of a set that is smaller than a batch up to its size, of any other up to
    what its batches have where no post rests.
    """
    problem, state, size = session.problem, session.state, session.settings.batch_size
    count = len(problem.posts)
    missing = (size if count < size else count // -(-count // size)) - len(slots)
    if missing <= 0:
        return None
    vocabulary, length = problem.vocabulary, state.triggers.shape[1] or DECOY_LENGTH
    words = torch.randint(len(vocabulary), (missing, length), generator=state.generator)
    chosen = [slots[n] for n in torch.randint(len(slots), (missing,), generator=state.generator).tolist()]
    spelt = vocabulary.spell(chosen, words)
    return tokens_of([slot.with_room(len(one)) for slot, one in zip(chosen, spelt, strict=True)], spelt)[0]


def batch_loss(
    model: DualEncoder,
    pixels: Tensor,
    tokens: Tensor,
    decoys: Tensor | None,
    precision: Precision,
    *,
    learn_text: bool = False,
    world: World = ALONE,
) -> Tensor:
    """Return the contrastive loss of a model on a batch of pixels, tokens (b, t) and decoys (m, t).

    Photos of equal captions are not each other's negatives. Texts are learnt in the photo encoder's format: where they
    were learnt in bf16 beside photos in fp32, more was let through (docs/results/variants.csv). The pixels
    (b, 3, s, s) are of this process's share of the batch; gradients to them and to the weights are its share too, times
    the number of processes.
    """
    own = tokens[world.share(len(tokens))]
    with computing(model, precision, "photo" if learn_text else "text"), torch.set_grad_enabled(learn_text):
        texts = model.encode_text(own.to(model.device)).float()
        wrong = None if decoys is None else model.encode_text(decoys.to(model.device)).float()
    images = encode_photos(model, pixels, precision)
    with torch.set_grad_enabled(learn_text):
        texts = world.gather(texts)[: len(tokens)]
    images = world.gather(images)[: len(tokens)]
    drop = caption_mask(tokens).to(model.device)
    return contrastive_loss(images, texts, model.logit_scale, drop=drop, decoys=wrong)


def check_finite(values: Sequence[Tensor], what: str, model: str, round_number: int) -> None:
    """Stop at numbers that no noise can be made from.

    Raises:
        ModelError: one of them is NaN or infinite.
    """
    if not all(bool(value.isfinite().all()) for value in values):
        raise ModelError(
            f"round {round_number}: the {what} of {model} is not a finite number",
            hint="its weights are damaged, or the setting learning_rate is too high",
        )


def settle(models: Sequence[DualEncoder], precision: Precision, *, damp: bool = False) -> None:
    """Put models into evaluation mode, for steps that take gradients to inputs only, which they ask for by name.

    Gradients of models that damp come back along skip connections more than beside them.
    """
    for model in models:
        photos, texts = (in_bf16(model, precision, part) for part in ENCODERS)
        model.settle(photos_in_bf16=photos, texts_in_bf16=texts, damp=damp)


def measuring(session: AnySession) -> Generator[None, None, Tensor]:
    """Return (n,) the loss of every post with its noise and trigger, loaded plainly, mean over the surrogates.

    Resumes after the posts of the round that were measured before; yields after every batch.
    """
    posts, state, settings = session.problem.posts, session.state, session.settings
    settle(state.models, settings.precision)

    def pixels(photo: int) -> Tensor:
        return apply_noise(posts.pixels[photo], state.noise.read(photo))

    for photos in in_order(len(posts), settings.batch_size):
        if photos.start < len(state.place.losses):
            continue
        slots = [posts.slots[n][0] for n in photos]
        spelt, world = session.problem.vocabulary.spell(slots, state.triggers[list(photos)]), session.problem.world
        each = [
            batch_losses(model, pixels, slots, photos, settings.precision, triggers=spelt, world=world)[0]
            for model in state.models
        ]
        for model, losses in zip(state.models, each, strict=True):
            check_finite([losses], "loss", model.name, state.round + 1)
        state.place.losses += torch.stack(each).mean(dim=0).tolist()
        yield
    measured, state.place.losses = state.place.losses, []
    return torch.tensor(measured)


@torch.no_grad()
def batch_losses(
    model: DualEncoder,
    pixels: Callable[[int], Tensor],
    slots: Sequence[CaptionSlot],
    photos: Sequence[int],
    precision: Precision,
    *,
    triggers: Sequence[Sequence[int]] | None = None,
    world: World = ALONE,
) -> tuple[Tensor, Tensor]:
    """Return (b,) the loss of every post of a batch among the others, loaded plainly, with its first caption.

    It is returned twice: without equal captions among the others, and with them. The model is in evaluation mode;
    `pixels` gives the (3, h, w) pixels 0-255 of a photo, and `triggers` the tokens of their triggers.
    """
    rows = world.share(len(photos))
    loaded = torch.stack([load_view(pixels(photos[row]), model.image_size, PLAIN_VIEW) for row in rows])
    tokens, _ = tokens_of(slots, triggers)
    images, texts = encode_photos(model, loaded, precision), encode_texts(model, tokens[rows], precision)
    images, texts = (world.gather(each)[: len(tokens)] for each in (images, texts))
    drop = caption_mask(tokens).to(model.device)
    apart = contrastive_loss(images, texts, model.logit_scale, drop=drop, reduction="none")
    return apart.cpu(), contrastive_loss(images, texts, model.logit_scale, reduction="none").cpu()
