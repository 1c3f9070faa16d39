"""CLIP's contrastive loss, the hooks of attackers, and the training loop of surrogates and victims."""

import copy
import ctypes
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from unlearnable import settings as usual
from unlearnable.errors import ModelError
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.device import seeded
from unlearnable.models.dual_encoder import DualEncoder, computing
from unlearnable.report import EpochRecord
from unlearnable.settings import WARMUP, Precision, TrainSettings, VerifySettings
from unlearnable.storage import checkpoint
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pairs, load_view, sample_view
from unlearnable.training.distributed import ALONE, World
from unlearnable.training.retrieval import queries_of, retrieve, scores


def same_source_mask(photos: Tensor, captions: Tensor) -> Tensor:
    """Mark (b, b) the pairs of a batch that must not be each other's negatives; the diagonal is never marked.

    Two pairs of the same photo, or with the same caption, are both correct: pushing them apart punishes a correct
    model, which matters for the small sets of one person. `photos` and `captions` (b,) are numbers; equal texts share
    a number.
    """
    same = (photos[:, None] == photos[None, :]) | (captions[:, None] == captions[None, :])
    return same & ~torch.eye(len(photos), dtype=torch.bool, device=photos.device)


def contrastive_loss(
    image_features: Tensor,
    text_features: Tensor,
    logit_scale: Tensor,
    *,
    drop: Tensor | None = None,
    decoys: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Return the symmetric cross entropy over the similarities of a batch (the L of Eq. 2-5), or a loss a pair (b,).

    Features (b, d) are normalised; `drop` marks (b, b) entries that are not negatives, see `same_source_mask`;
    `decoys` (m, d) are features of further texts that belong to no image of the batch.
    """
    logits = logit_scale * image_features @ text_features.T  # (b, b)
    if drop is not None:
        logits = logits.masked_fill(drop, float("-inf"))
    target = torch.arange(len(logits), device=logits.device)
    among = logits if decoys is None else torch.cat([logits, logit_scale * image_features @ decoys.T], dim=1)
    image_loss = F.cross_entropy(among, target, reduction=reduction)
    text_loss = F.cross_entropy(logits.T, target, reduction=reduction)
    return (image_loss + text_loss) / 2


@dataclass(frozen=True)
class Batch:
    """The photos and captions of one training step, on the model's device."""

    pixels: Tensor  # (b, 3, s, s) in [0, 1]
    tokens: Tensor  # (b, t) token ids of each photo's caption
    partners: Tensor | None = None  # (b,) row of a second caption of each photo, where photos were mixed
    weight: float = 1.0  # of a photo's own caption, 0 to 1; the partner has the rest

    def loss(self, images: Tensor, texts: Tensor, scale: Tensor) -> Tensor:
        """Return the contrastive loss of features (b, d); of mixed photos, the losses of both pairings weighted."""
        own = contrastive_loss(images, texts, scale)
        if self.partners is None:
            return own
        return self.weight * own + (1 - self.weight) * contrastive_loss(images, texts[self.partners], scale)


class Attacker:
    """The attacker who trains as usual. Members of `verify.attackers.ATTACKERS` override what they do otherwise.

    An attacker keeps no state, so that a training that is resumed gives the same weights.
    """

    def choose(self, model: DualEncoder, pairs: Pairs) -> Pairs:
        """Return the pairs to train on, given the model before its training."""
        return pairs

    def prepare(self, model: DualEncoder) -> None:
        """Set which weights learn, before the first step and again where a training is resumed."""

    def batch(self, model: DualEncoder, batch: Batch, generator: torch.Generator) -> Batch:
        """Return what a step is to train on; may switch the model to evaluation, and writes to no tensor of `batch`.

        The generator, on the CPU, is the source of all randomness; it depends on seed and step alone.
        """
        return batch

    def training_mode(self, model: DualEncoder) -> None:
        """Switch the model to training, right before the encoders see the batch."""
        model.learn()


PLAIN = Attacker()


LARGEST_SCALE = math.log(100.0)
VICTIM_KERNELS = ("bicubic",)
ORDER, VIEWS, DROPOUT, ATTACKER = range(4)  # uses of randomness, each with a seed of its own
TRIM, SEPARATE = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of glibc's mallopt
NEVER = -1
ABOVE, MOST = 64 << 20, 65_536  # unused bytes above which memory is given back, and blocks that are asked for apart


@contextmanager
def kept() -> Iterator[None]:
    """Keep the memory of tensors that are done with for the next ones; nothing happens where there is no glibc."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(SEPARATE, 0)
    libc.mallopt(TRIM, NEVER)
    try:
        yield
    finally:
        libc.mallopt(SEPARATE, MOST)
        libc.mallopt(TRIM, ABOVE)
        libc.malloc_trim(0)


def adamw(module: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW set up as in open_clip: no decay on norms, biases and the logit scale.

    Fused: one pass over the weights, which on a CPU takes a fifth of the time of a pass an operation.
    """
    decayed = [p for p in module.parameters() if p.ndim >= 2]
    plain = [p for p in module.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


def rate(step: int, total: int, highest: float, warmup: float = WARMUP) -> float:
    """Return the learning rate of a step, counted from 0: linear warm-up, then a cosine down to zero."""
    rising = round(warmup * total)
    if step < rising:
        return highest * (step + 1) / rising
    return highest * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, total - rising)))


def set_rate(optimiser: Optimizer, value: float) -> None:
    """Give all weights of an optimiser the same learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = value


def clamp_scale(module: nn.Module) -> None:
    """Clamp the factor on the cosines to 1 to 100, as CLIP does after every step."""
    with torch.no_grad():
        module.logit_scale.clamp_(0.0, LARGEST_SCALE)  # type: ignore[operator]


@dataclass(frozen=True)
class Recipe:
    """How a CLIP is trained: AdamW, a linear warm-up, then a cosine down to zero.

    The seed decides the weights from scratch, the order of the pairs and the crops.
    """

    epochs: int
    lr: float
    seed: int = 0
    batch_size: int = 128
    weight_decay: float = 0.2
    warmup: float = WARMUP  # share of all steps in which the rate rises
    smallest_crop: float = 0.9  # share of a photo's area
    one_caption: bool = False  # whether an epoch shows a photo once, with one of its captions
    precision: Precision = "auto"


BASE = Recipe(
    usual.TUNING_EPOCHS, usual.TUNING_RATE
)  # of all trainings, but for length, rate, seed and what a command changes


def recipe_for(
    settings: TrainSettings | VerifySettings,
    architecture: dict[str, Any],
    *,
    seed: int,
    from_scratch: bool,
    **changes: Any,
) -> Recipe:
    """Return the recipe of a training, with the default length and rate of an architecture where none are given."""
    defaults = (
        (usual.SCRATCH_EPOCHS, usual.SCRATCH_RATE) if from_scratch else (usual.TUNING_EPOCHS, tuning_rate(architecture))
    )
    return replace(
        BASE,
        epochs=defaults[0] if settings.epochs is None else settings.epochs,
        lr=settings.lr or defaults[1],
        seed=seed,
        **changes,
    )


@dataclass(frozen=True)
class TrainingTask:
    """One training: pairs to train on, pairs to rank, recipe and checkpoint."""

    train: Pairs  # every caption is a pair of its own
    held_out: Pairs  # ranked after every epoch; may be empty
    recipe: Recipe
    checkpoint: Path | None = None  # written after every epoch and at intervals within one
    key: str = ""  # of the run that the checkpoint belongs to
    attacker: Attacker = PLAIN  # who trains; `train` holds the pairs of their choice
    queries: int | None = None  # number of the first held-out photos, whose queries count; None for all

    @property
    def steps_an_epoch(self) -> int:
        """The number of batches, of about equal size and none larger than the recipe's."""
        shown = len(self.train.photos.unique()) if self.recipe.one_caption else len(self.train)
        return max(1, -(-shown // self.recipe.batch_size))

    @property
    def steps(self) -> int:
        """The number of steps of the whole training."""
        return self.recipe.epochs * self.steps_an_epoch

    def order(self, epoch: int) -> Tensor:
        """Return the pairs of an epoch in random order: all of them, or the first in that order of each photo."""
        order = torch.randperm(len(self.train), generator=self.generator(ORDER, epoch))
        if not self.recipe.one_caption:
            return order
        _, first = np.unique(self.train.photos[order].numpy(), return_index=True)
        return order[np.sort(first)]

    def seed(self, use: int, index: int) -> int:
        """Return a seed of its own for each use of randomness and step, or epoch."""
        return ((self.recipe.seed * 1_000_003 + use) * 10_000_019 + index) % 2**63  # the range that torch accepts

    def generator(self, use: int, index: int) -> torch.Generator:
        """Return a generator with that seed."""
        return torch.Generator().manual_seed(self.seed(use, index))


@dataclass
class TrainingTrace:
    """A training so far."""

    epochs: list[EpochRecord] = field(default_factory=list)  # every finished epoch
    done: int = 0  # steps
    loss: float = 0.0  # summed over the current epoch
    earlier: float = 0.0  # seconds that earlier runs spent on it up to the checkpoint that this one resumed from
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """The seconds spent on it over all its runs."""
        return self.earlier + time.monotonic() - self._began


@kept()
@torch.enable_grad()
def fit(model: DualEncoder, task: TrainingTask, progress: Progress, *, world: World = ALONE) -> TrainingTrace:
    """Train `model` in place with the symmetric contrastive loss (Eq. 2), from the checkpoint if it exists.

    An attacker that changes batches trains in one process. A loss or weights that are not finite are a `ModelError`.
    """
    clock, recipe, count = checkpoint.Clock(), task.recipe, task.steps_an_epoch
    optimiser = adamw(model.module, recipe.lr, recipe.weight_decay)
    training = _restore(model, optimiser, task)
    progress.advance(training.done)
    task.attacker.prepare(model)
    encoders = world.wrap(_Encoders(model))
    for number in range(training.done, task.steps):
        epoch, index = divmod(number, count)
        rows = task.order(epoch).tensor_split(count)[index]
        set_rate(optimiser, rate(number, task.steps, recipe.lr, recipe.warmup))
        loss = _loss(model, encoders, task, rows, number, world)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        clamp_scale(model.module)
        value = loss.item()
        if not math.isfinite(value):
            raise ModelError(f"the loss of step {number + 1} is not finite", hint="lower `lr`")
        training.done, training.loss = number + 1, training.loss + value
        progress.advance(1, loss=value)
        ends_epoch = index == count - 1
        if ends_epoch:
            mean, training.loss = training.loss / count, 0.0
            training.epochs.append(epoch_record(epoch + 1, mean, model, task.held_out, task.queries))
        if task.checkpoint is not None and world.rank == 0:
            clock.tick(partial(_save, task, model, optimiser, training), at_end=ends_epoch)
    if not all(weights.isfinite().all() for weights in model.module.parameters()):
        raise ModelError("the last steps left weights that are not finite", hint="lower `lr`")
    return training


class _Encoders(nn.Module):
    """Both encoders in one `forward`, as a wrapper for several processes requires."""

    def __init__(self, model: DualEncoder) -> None:
        super().__init__()
        self._model = model
        self.module = model.module

    def forward(self, pixels: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        model = self._model
        return model.encode_image(pixels), model.encode_text(tokens), model.logit_scale


def _loss(
    model: DualEncoder, encoders: nn.Module, task: TrainingTask, rows: Tensor, number: int, world: World
) -> Tensor:
    """Return the loss of a step on these rows of the pairs; this process embeds its share of them."""
    recipe, pairs = task.recipe, task.train
    generator = task.generator(VIEWS, number)
    views = [sample_view(generator, recipe.smallest_crop, VICTIM_KERNELS) for _ in rows]
    share = world.share(len(rows))
    photos = pairs.photos[rows[share]].tolist()
    loaded = [
        load_view(pairs.pixels[photo], model.image_size, views[n]) for n, photo in zip(share, photos, strict=True)
    ]
    tokens = model.trim(pairs.tokens[rows[share]])
    batch = Batch(torch.stack(loaded).to(model.device), tokens.to(model.device))
    batch = task.attacker.batch(model, batch, task.generator(ATTACKER, number))
    task.attacker.training_mode(model)
    with seeded(task.seed(DROPOUT, number), model.device), computing(model, recipe.precision, "photo"):
        images, texts, scale = encoders(batch.pixels, batch.tokens)
    images, texts = (world.gather(features.float())[: len(rows)] for features in (images, texts))
    return batch.loss(images, texts, scale.float())


def epoch_record(
    epoch: int, loss: float | None, model: DualEncoder, held_out: Pairs, queries: int | None = None
) -> EpochRecord:
    """Return the loss of an epoch and the model's ranks of the held-out pairs after it."""
    if not len(held_out):
        return EpochRecord(epoch=epoch, loss=loss)
    both = scores(queries_of(retrieve(model, held_out), held_out, queries))
    return EpochRecord(epoch=epoch, loss=loss, image_to_text=both.image_to_text, text_to_image=both.text_to_image)


def _save(task: TrainingTask, model: DualEncoder, optimiser: Optimizer, training: TrainingTrace) -> None:
    assert task.checkpoint is not None
    state = {
        "weights": model.module.state_dict(),
        "optimiser": optimiser.state_dict(),
        "epochs": [record.model_dump() for record in training.epochs],
        "done": training.done,
        "loss": training.loss,
        "seconds": training.seconds,
    }
    checkpoint.save(task.checkpoint, task.key, state)


def _restore(model: DualEncoder, optimiser: Optimizer, task: TrainingTask) -> TrainingTrace:
    if task.checkpoint is None or not task.checkpoint.is_file():
        return TrainingTrace()
    state = checkpoint.load(task.checkpoint, task.key)
    model.module.load_state_dict(state["weights"])
    optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
    epochs = [EpochRecord(**record) for record in state["epochs"]]
    return TrainingTrace(epochs, state["done"], state["loss"], state["seconds"])
