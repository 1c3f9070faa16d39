"""The steps methods are built from: train the surrogates, update the noise, let converged posts rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import uniform_filter
from torch import Tensor

from unlearnable.methods.base import AnySession, Problem, RestingState, Round, RoundProgress, Session
from unlearnable.methods.batches import batch_loss, check_finite, decoy_tokens, settle, shuffled_batches, views
from unlearnable.methods.noise_store import NoiseStore
from unlearnable.models.device import seeded
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot
from unlearnable.settings import MOVED, Hyperparameters
from unlearnable.training.data import load_protected, sample_view, tokens_of
from unlearnable.training.loop import adamw, clamp_scale

SMOOTH = 0.15  # weight of a place where the photo is even
USUAL = 8  # bound of the paper, in 1/255; what goes beyond it is for rough places
ROUGH = 12.0  # deviation of the brightness, in 1/255, from which on a photo is as rough as it need be
WINDOW = 7  # cells of the noise, along a side, that roughness is judged by
COARSE = 5  # cells, along a side, whose mean counts as coarse noise


def roughness(pixels: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return (1, gh, gw) how well each place of (3, h, w) pixels hides noise, 0 to 1: by how the brightness varies."""
    grey = F.interpolate(pixels.mean(dim=0)[None, None], size=shape, mode="area")[0]
    deviation = (_mean_around(grey**2, WINDOW) - _mean_around(grey, WINDOW) ** 2).clamp(min=0).sqrt()
    return (deviation / ROUGH).clamp(0, 1)


def signed_step(
    noise: Tensor, gradient: Tensor, size: float, epsilon: int, share: float = 1.0, rough: Tensor | None = None
) -> Tensor:
    """Take one step of projected gradient descent: Proj(noise - size * sign(gradient)) (Eq. 5), in 1/255.

    Args:
        noise: of one photo.
        gradient: of the loss at the noise.
        size: length of the step; a negative one ascends.
        epsilon: bound. Where it is above the usual one and `rough` is given, smooth places keep to the usual one.
        share: share of the values that are moved, those with the largest gradients; fewer are seen less.
        rough: of each place, from 0 to 1 (`roughness`). Rough places come first, and smooth ones are moved without
            what the gradient has in common around them: coarse waves are what people see in a sky.
    """
    if rough is not None:
        gradient = gradient - (1 - rough) * _mean_around(gradient, COARSE)
    if share < 1:
        strengths = gradient.abs() if rough is None else gradient.abs() * rough.clamp(min=SMOOTH)
        last = max(0, round((1 - share) * strengths.numel()) - 1)  # by NumPy, which takes a tenth of PyTorch's time
        gradient = gradient * (strengths >= float(np.partition(strengths.numpy(), last, axis=None)[last]))
    bound = _bound(epsilon, rough)
    return (noise - size * gradient.sign()).clamp(-bound, bound)


def _bound(epsilon: int, rough: Tensor | None) -> Tensor:
    """Return the bound of each place: `epsilon`; where that is above the usual one, down to that where it is smooth."""
    if rough is None or epsilon <= USUAL:
        return torch.tensor(float(epsilon))
    return USUAL + (epsilon - USUAL) * rough


def _mean_around(values: Tensor, window: int) -> Tensor:
    """Return the mean of a square window, of an odd number of places, around each of (c, h, w) values."""
    return torch.from_numpy(uniform_filter(values.numpy(), (1, window, window), mode="nearest"))


class AuxiliaryLoss(Protocol):
    """A loss beside the MEM loss that the noise lowers."""

    @property
    def model(self) -> DualEncoder:
        """The model that this loss is computed on."""

    def loss(self, pixels: Tensor, photos: Sequence[int]) -> Tensor:
        """Return the loss of photos as they are loaded (b, 3, s, s)."""


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


def remaining(session: AnySession, resting: Tensor | None = None) -> Iterator[list[int]]:
    """Yield the batches of the round that were not yet taken, in random order, of the posts that do not rest."""
    state = session.state
    if state.place.batches is None:
        awake = torch.arange(len(state.noise)) if resting is None else (~resting).nonzero()[:, 0]
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
    auxiliary: Sequence[AuxiliaryLoss] = (),
    auxiliary_share: float = 0.0,
) -> None:
    """Take signed gradient steps on the noise of a batch (Eq. 5), in the bound and through the file.

    Args:
        session: its noise is moved.
        photos: the batch.
        shuffle: give each photo another photo's caption behind its own trigger (the S of Eq. 5),
            so that the noise goes with the trigger and not with the caption.
        ascend: raise the loss instead (Eq. 3).
        auxiliary: other losses to lower.
        auxiliary_share: share of the steps that lower one of these, drawn at random, instead of the surrogates' loss.
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
    session: AnySession, photos: Sequence[int], slots: Sequence[CaptionSlot], other: AuxiliaryLoss | None = None
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


def rest(session: Session[RestingState], losses: Tensor) -> None:
    """Let posts rest whose loss was under the threshold after two rounds, and wake the others."""
    state, threshold = session.state, session.settings.threshold
    state.resting = (losses < threshold) & (state.losses < threshold)
    state.losses = losses
