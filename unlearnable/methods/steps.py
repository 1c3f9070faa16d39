"""The steps methods are built from: train the surrogates, move the noise, let posts rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from unlearnable.config import MethodSettings
from unlearnable.errors import ModelError
from unlearnable.methods.base import Problem, Pull, Round, RoundProgress, State
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot
from unlearnable.optim.contrastive import contrastive_loss, same_source_mask
from unlearnable.optim.noise import signed_step
from unlearnable.optim.view import apply_noise, load_view, sample_view
from unlearnable.posts.pixels import tokens_of
from unlearnable.stores.noise import NoiseStore
from unlearnable.training.optimiser import adamw, clamp_scale

DECOY_LENGTH = 3


def start(problem: Problem, settings: MethodSettings, triggers: Tensor) -> State:
    """A state with noise zero, untouched copies of the surrogates and the given triggers (n, k)."""
    models = [surrogate.clone() for surrogate in problem.surrogates]
    state = State(
        noise=NoiseStore(problem.grids, settings.epsilon, problem.noise_path),
        triggers=triggers,
        models=models,
        optimisers=[adamw(model.module, settings.learning_rate, settings.weight_decay) for model in models],
        generator=torch.Generator().manual_seed(problem.seed),
    )
    state.losses = torch.full((len(problem.posts),), float("inf"))
    state.resting = torch.zeros(len(problem.posts), dtype=torch.bool)
    return state


def batches(photos: Tensor, size: int, generator: torch.Generator) -> list[list[int]]:
    """Photos in random order, in batches of about equal size, none larger than `size`."""
    shuffled = photos[torch.randperm(len(photos), generator=generator)]
    count = max(1, -(-len(shuffled) // size))
    return [part.tolist() for part in shuffled.tensor_split(count) if len(part)]


def views(problem: Problem, settings: MethodSettings, state: State, photos: Sequence[int], side: int) -> Tensor:
    """(b, 3, side, side) the protected photos as some training would load them, each in its own way."""
    files = [apply_noise(problem.posts.pixels[n], state.noise.read(n), settings.enlarge) for n in photos]
    return torch.stack([load_view(file, side, sample_view(state.generator, settings.smallest_crop)) for file in files])


def caption_mask(tokens: Tensor) -> Tensor:
    """(b, b) pairs of different photos with the same text, which are not each other's negatives."""
    _, numbers = torch.unique(tokens, dim=0, return_inverse=True)
    return same_source_mask(torch.arange(len(tokens)), numbers)


def decoy_tokens(
    problem: Problem, settings: MethodSettings, slots: Sequence[CaptionSlot], state: State
) -> Tensor | None:
    """Captions of the batch behind random wrong words, where the whole set is smaller than a batch.

    With few posts there is little to confuse a photo with, and a loss near zero proves
    nothing: the decoys fill the batch up to its size as further negatives.

    Returns:
        (m, t) tokens, or None where the set fills a batch.
    """
    missing = settings.batch_size - len(problem.posts)
    if missing <= 0:
        return None
    ids = torch.tensor(problem.vocabulary.ids)
    words = ids[torch.randint(len(ids), (missing, state.triggers.shape[1] or DECOY_LENGTH), generator=state.generator)]
    chosen = torch.randint(len(slots), (missing,), generator=state.generator).tolist()
    return tokens_of([slots[n] for n in chosen], words)[0]


def batch_loss(
    model: DualEncoder,
    pixels: Tensor,
    tokens: Tensor,
    decoys: Tensor | None,
    *,
    learn_text: bool = False,
    mask_equal: bool = True,
    reduction: str = "mean",
) -> Tensor:
    """The contrastive loss of a model on a batch of pixels (b, 3, s, s), tokens (b, t) and decoys (m, t).

    With `mask_equal`, photos of equal captions are not each other's negatives.
    """
    with torch.set_grad_enabled(learn_text):
        texts = model.encode_text(tokens.to(model.device))
        wrong = None if decoys is None else model.encode_text(decoys.to(model.device))
    return contrastive_loss(
        model.encode_image(pixels.to(model.device)),
        texts,
        model.logit_scale,
        drop=caption_mask(tokens).to(model.device) if mask_equal else None,
        decoys=wrong,
        reduction=reduction,
    )


def train_surrogates(problem: Problem, settings: MethodSettings, state: State, steps: int) -> Iterator[None]:
    """The inner minimisation over f (Eq. 4): `steps` of contrastive training on the protected posts, each an item.

    Goes on after those of the round that were done before; their mean loss gathers in `state.place`.
    """
    place, learners = state.place, list(zip(state.models, state.optimisers, strict=True))
    while place.trained < steps:
        place.loss += train_step(problem, settings, state, learners, state.triggers) / steps
        place.trained += 1
        yield
    freeze(state.models)


def train_step(
    problem: Problem,
    settings: MethodSettings,
    state: State,
    learners: Sequence[tuple[DualEncoder, torch.optim.Optimizer]],
    triggers: Tensor,
) -> float:
    """One step of contrastive training of models on a batch of the posts as they are now, with triggers (n, k).

    Returns:
        The mean loss of the models.
    """
    photos = torch.randperm(len(problem.posts), generator=state.generator)[: settings.batch_size].tolist()
    slots = problem.posts.choose(photos, state.generator)
    tokens, _ = tokens_of(slots, triggers[photos])
    decoys = decoy_tokens(problem, settings, slots, state)
    total = 0.0
    for model, optimiser in learners:
        pixels = views(problem, settings, state, photos, model.image_size)
        model.module.train()
        model.module.requires_grad_(True)
        loss = batch_loss(model, pixels, tokens, decoys, learn_text=True)
        check_finite([loss], "loss", model.name, state)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        clamp_scale(model.module)
        total += loss.item()
    return total / len(learners)


def remaining(settings: MethodSettings, state: State) -> Iterator[list[int]]:
    """The batches of the round that were not yet taken, in random order, of the posts that do not rest."""
    if state.place.batches is None:
        awake = (~state.resting).nonzero()[:, 0]
        state.place.batches = batches(awake, settings.batch_size, state.generator)
    while state.place.batches:
        yield state.place.batches.pop(0)


def end_round(state: State, **metrics: float) -> Round:
    """Count the round that was under way, with the losses in `state.losses`."""
    state.round, state.place = state.round + 1, RoundProgress()
    return Round(state.round, float(state.losses.mean()), metrics)


def freeze(models: Sequence[DualEncoder]) -> None:
    """For steps that need gradients to the inputs only: evaluation mode, no gradients to weights."""
    for model in models:
        model.module.eval()
        model.module.requires_grad_(False)


def move_noise(
    problem: Problem,
    settings: MethodSettings,
    state: State,
    photos: Sequence[int],
    *,
    shuffle: bool,
    ascend: bool = False,
    pulls: Sequence[Pull] = (),
) -> None:
    """Signed gradient steps on the noise of a batch (Eq. 5), in the bound and through the file.

    Args:
        problem: the posts.
        settings: number and size of the steps.
        state: its noise is moved.
        photos: the batch.
        shuffle: give each photo another photo's caption behind its own trigger (the S of Eq. 5),
            so that the noise binds to the trigger and not to the caption.
        ascend: raise the loss instead (Eq. 3).
        pulls: further losses to lower.
    """
    size = -settings.step_size if ascend else settings.step_size
    for _ in range(settings.noise_steps):
        slots = problem.posts.choose(photos, state.generator)
        if shuffle:
            slots = [slots[n] for n in torch.randperm(len(slots), generator=state.generator).tolist()]
        gradients = noise_gradients(problem, settings, state, photos, slots, pulls)
        for photo, gradient in zip(photos, gradients, strict=True):
            state.noise.write(photo, signed_step(state.noise.read(photo), gradient, size, settings.epsilon))


def noise_gradients(
    problem: Problem,
    settings: MethodSettings,
    state: State,
    photos: Sequence[int],
    slots: Sequence[CaptionSlot],
    pulls: Sequence[Pull],
) -> tuple[Tensor, ...]:
    """Gradients (3, gh, gw) of the loss, summed over the surrogates and pulls, at each photo's noise."""
    noises = [state.noise.read(n).requires_grad_() for n in photos]
    tokens, _ = tokens_of(slots, state.triggers[list(photos)])
    decoys = decoy_tokens(problem, settings, slots, state)
    files = [apply_noise(problem.posts.pixels[n], x, settings.enlarge) for n, x in zip(photos, noises, strict=True)]
    draws = [sample_view(state.generator, settings.smallest_crop) for _ in photos]

    def loaded(side: int) -> Tensor:
        return torch.stack([load_view(file, side, how) for file, how in zip(files, draws, strict=True)])

    losses = [batch_loss(model, loaded(model.image_size), tokens, decoys).cpu() for model in state.models]
    losses += [pull.loss(loaded(pull.model.image_size), photos).cpu() for pull in pulls]
    names = [each.name for each in (*state.models, *(pull.model for pull in pulls))]
    for name, loss in zip(names, losses, strict=True):
        check_finite([loss], "loss", name, state)
    gradients = torch.autograd.grad(torch.stack(losses).sum(), noises)
    check_finite(gradients, "gradient", ", ".join(dict.fromkeys(names)), state)
    return gradients


def check_finite(values: Sequence[Tensor], what: str, model: str, state: State) -> None:
    """Stop at numbers that no noise can be made from.

    Args:
        values: losses or gradients.
        what: "loss" or "gradient", for the message.
        model: the model or models they are of.
        state: its round is named.

    Raises:
        ModelError: one of them is NaN or infinite.
    """
    if not all(bool(value.isfinite().all()) for value in values):
        raise ModelError(
            f"round {state.round + 1}: the {what} of {model} is not a finite number",
            hint="its weights are damaged, or the setting learning_rate is too high",
        )


def rest(settings: MethodSettings, state: State, losses: Tensor) -> None:
    """Let posts rest whose loss was under the threshold after two rounds, and wake the others."""
    state.resting = (losses < settings.threshold) & (state.losses < settings.threshold)
    state.losses = losses
