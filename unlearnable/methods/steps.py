"""The steps methods are built from: batches and their loss, surrogate steps, noise steps, measuring."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from unlearnable.errors import ModelError
from unlearnable.methods.base import AnySession, Problem, Round, RoundProgress
from unlearnable.methods.noise import NoiseStore, roughness, signed_step
from unlearnable.models.device import seeded
from unlearnable.models.dual_encoder import ENCODERS, DualEncoder, computing, encode_photos, encode_texts, in_bf16
from unlearnable.models.tokens import CaptionSlot
from unlearnable.settings import MOVED, Hyperparameters, Precision
from unlearnable.training.data import PLAIN_VIEW, apply_noise, load_protected, load_view, sample_view, tokens_of
from unlearnable.training.distributed import ALONE, World
from unlearnable.training.loop import adamw, clamp_scale, contrastive_loss, same_source_mask

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


@dataclass(frozen=True)
class FeatureShift:
    """The feature-shift loss in a proxy, which has learnt the clean posts; the noise lowers it beside the MEM loss."""

    model: DualEncoder  # in evaluation mode
    precision: Precision  # of its gradients
    shift: Tensor  # (n, d) the direction that each photo's features are to move against

    def loss(self, pixels: Tensor, photos: Sequence[int]) -> Tensor:
        """Return the loss of photos as they are loaded (b, 3, s, s): the mean logit of what they are not to show."""
        features = encode_photos(self.model, pixels, self.precision)
        shift = self.shift[list(photos)].to(features)
        return self.model.logit_scale * (features * shift).sum(dim=1).mean()


def first_state(problem: Problem, settings: Hyperparameters) -> dict[str, Any]:
    """Return the fields of a state with noise zero, no triggers and untouched copies of the surrogates."""
    models = [surrogate.clone(precise=True) for surrogate in problem.surrogates]
    numbers = range(len(problem.posts))
    grey = numbers if settings.noise_colour == "grey" else filter(problem.posts.pixels.is_grey, numbers)
    return {
        "noise": NoiseStore(problem.grids, settings.epsilon, problem.noise_path, grey=grey, equal=problem.equal),
        "triggers": torch.zeros(len(problem.posts), 0, dtype=torch.long),
        "models": models,
        "optimisers": [adamw(model.module, settings.learning_rate, settings.weight_decay) for model in models],
        "generator": torch.Generator().manual_seed(problem.seed),
        "losses": torch.full((len(problem.posts),), float("inf")),
        "resting": torch.zeros(len(problem.posts), dtype=torch.bool),
    }


def train_surrogates(session: AnySession, steps: int) -> Iterator[None]:
    """Run the inner minimisation over f (Eq. 4): contrastive training on the protected posts; yield after each step.

    Resumes after the steps of the round that were done before; `state.place` sums up their mean loss.
    """
    state, place = session.state, session.state.place
    learners = list(zip(state.models, state.optimisers, strict=True))
    while place.trained < steps:
        place.loss += train_step(session, learners, state.triggers) / steps
        place.trained += 1
        yield
    settle(state.models, session.settings.precision)


def train_step(
    session: AnySession, learners: Sequence[tuple[DualEncoder, torch.optim.Optimizer]], triggers: Tensor
) -> float:
    """Train models for one step on a batch of the posts as they are now, with triggers (n, k); return the mean loss."""
    posts, generator = session.problem.posts, session.state.generator
    photos = torch.randperm(len(posts), generator=generator)[: session.settings.batch_size].tolist()
    slots = posts.choose(photos, generator)
    tokens, _ = tokens_of(slots, session.problem.vocabulary.spell(slots, triggers[photos]))
    decoys = decoy_tokens(session, slots)
    total = 0.0
    for model, optimiser in learners:
        pixels = views(session, photos, model.image_size)
        model.learn()
        with seeded(_seed_of_dropout(generator), model.device):
            loss = batch_loss(
                model, pixels, tokens, decoys, session.settings.precision, learn_text=True, world=session.problem.world
            )
        check_finite([loss], "loss", model.name, session.state.round + 1)
        loss.backward()
        session.problem.world.average(model.module)
        optimiser.step()
        optimiser.zero_grad()  # now: gradients of one model are as large as its weights, and the next one needs room
        clamp_scale(model.module)
        total += loss.item()
    return total / len(learners)


def _seed_of_dropout(generator: torch.Generator) -> int:
    """Return what a generator would draw next, and leave it as it is."""
    copy = torch.Generator().set_state(generator.get_state())
    return int(torch.randint(2**62, (), generator=copy))


def remaining(session: AnySession) -> Iterator[list[int]]:
    """Yield the batches of the round that were not yet taken, in random order, of the posts that do not rest."""
    state = session.state
    if state.place.batches is None:
        awake = (~state.resting).nonzero()[:, 0]
        state.place.batches = shuffled_batches(awake, session.settings.batch_size, state.generator)
    while state.place.batches:
        yield state.place.batches.pop(0)


def end_round(session: AnySession, **metrics: float) -> Round:
    """Count the current round, with the losses in the state."""
    state = session.state
    state.round, state.place = state.round + 1, RoundProgress()
    return Round(state.round, float(state.losses.mean()), metrics)


def move_noise(
    session: AnySession,
    photos: Sequence[int],
    *,
    shuffle: bool,
    ascend: bool = False,
    auxiliary: Sequence[FeatureShift] = (),
    auxiliary_share: float = 0.0,
) -> None:
    """Take signed gradient steps on the noise of a batch (Eq. 5), in the bound and through the file.

    To `shuffle` gives each photo another photo's caption behind its own trigger (the S of Eq. 5), so that the noise
    goes with the trigger and not with the caption; to `ascend` raises the loss (Eq. 3). A share of the steps, drawn at
    random, lowers one of the auxiliary losses instead of the surrogates'.
    """
    settings, state, world = session.settings, session.state, session.problem.world
    rows = world.share(len(photos))
    size = -settings.step if ascend else settings.step
    share, roughs = MOVED[settings.visibility], _roughness(session, [photos[row] for row in rows])
    for _ in range(settings.noise_steps):
        slots = session.problem.posts.choose(photos, state.generator)
        if shuffle:
            slots = [slots[n] for n in torch.randperm(len(slots), generator=state.generator).tolist()]
        other = None
        if auxiliary and torch.rand((), generator=state.generator) < auxiliary_share:
            other = auxiliary[int(torch.randint(len(auxiliary), (), generator=state.generator))]
        gradients = noise_gradients(session, photos, slots, other)
        for row, gradient, rough in zip(rows, gradients, roughs, strict=True):
            noise = state.noise.read(photos[row])
            state.noise.write(photos[row], signed_step(noise, gradient, size, settings.epsilon, share, rough))
        if world.size > 1:
            _exchange_noise(session, [photos[row] for row in rows])


def _roughness(session: AnySession, photos: Sequence[int]) -> list[Tensor | None]:
    """Return how rough photos are, for the faintest noise, which alone depends on it; else None for each."""
    if session.settings.visibility != "low":
        return [None] * len(photos)
    shapes, pixels = session.state.noise.shapes, session.problem.posts.pixels
    return [roughness(pixels[n], shapes[n]) for n in photos]


def noise_gradients(
    session: AnySession, photos: Sequence[int], slots: Sequence[CaptionSlot], other: FeatureShift | None = None
) -> tuple[Tensor, ...]:
    """Return the gradients of the surrogates' summed loss, or of another, at the noise of each photo, of its shape.

    Of a batch that several processes share, those of this process's photos, by their signs alone.
    """
    settings, state, world = session.settings, session.state, session.problem.world
    samples = [sample_view(state.generator, settings.smallest_crop) for _ in photos]
    rows = world.share(len(photos))
    own = [photos[row] for row in rows]
    noises = [state.noise.read(n).requires_grad_() for n in own]
    pixels = session.problem.posts.pixels

    def loaded(model: DualEncoder) -> Tensor:
        shown = zip(rows, noises, strict=True)
        return torch.stack([load_protected(pixels[photos[n]], one, model.image_size, samples[n]) for n, one in shown])

    if other is not None:
        losses = [(other.model.name, other.loss(loaded(other.model), own).cpu())]
    else:
        tokens, _ = tokens_of(slots, session.problem.vocabulary.spell(slots, state.triggers[list(photos)]))
        decoys = decoy_tokens(session, slots)
        losses = [
            (model.name, batch_loss(model, loaded(model), tokens, decoys, settings.precision, world=world).cpu())
            for model in state.models
        ]
    for name, loss in losses:
        check_finite([loss], "loss", name, state.round + 1)
    gradients = torch.autograd.grad(torch.stack([loss for _, loss in losses]).sum(), noises)
    check_finite(gradients, "gradient", ", ".join(dict.fromkeys(name for name, _ in losses)), state.round + 1)
    return gradients


def _exchange_noise(session: AnySession, own: Sequence[int]) -> None:
    """Give the others the noise of this process's photos, and take theirs; of a photo of several, that of the first."""
    noise = session.state.noise
    parts = session.problem.world.exchange([(photo, noise.grid(photo)) for photo in own])
    for photo, grid in (pair for part in reversed(parts) for pair in part):
        noise.write(photo, torch.from_numpy(grid).float())


def rest(session: AnySession, losses: Tensor) -> None:
    """Let posts rest whose loss was under the threshold after two rounds, and wake the others."""
    state, threshold = session.state, session.settings.threshold
    state.resting = (losses < threshold) & (state.losses < threshold)
    state.losses = losses
