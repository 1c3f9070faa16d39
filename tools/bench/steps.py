"""Measure what steps of the method cost beyond the arithmetic of the photo encoder, as ratios in one run.

python tools/bench/steps.py [MODEL ...] [--photos 64] [--threads 1] [--rounds 3]

MODEL is a name that `protect --surrogate` takes, or one of open_clip's architectures, which gets random weights. A bare
step is one forward and backward pass of the photo encoder, to the photos or to the weights, on pixels that are ready,
in the number format that a run chooses. Multiples are of the encoder as open_clip has it, and behind them of
the encoder with the layers that take the place of slow ones. A noise step of the default lowers the MEM
loss or, nine times of ten, shifts the features of a proxy, which reads no captions. Steps take turns, and the fastest
of each counts. Memory is kept from one step to the next, as it is in a run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from layers import as_built
from precision import asked, model_of

from unlearnable.imaging.picture import grid_shape
from unlearnable.methods import METHODS, steps
from unlearnable.methods.base import AnySession, Problem
from unlearnable.methods.proxies import FeatureShift
from unlearnable.models.dual_encoder import DualEncoder, computing, in_bf16
from unlearnable.models.tokens import cut, default_vocabulary
from unlearnable.settings import BALANCED
from unlearnable.training.data import Pixels, Posts
from unlearnable.training.loop import kept

STEPS = BALANCED.noise_steps  # that are timed together, as a round takes them on one batch
HEAD = (
    "| model | format | bare noise step, ms a photo | MEM step | feature-shift step "
    "| bare training step, ms a photo | training step |"
)
Step = Callable[[], object]


def session_of(model: DualEncoder, photos: int, folder: Path) -> AnySession:
    """Return a session of MEM, with triggers of three words, on random photos twice as large as the model sees them."""
    pixels, rng, side = Pixels.create(folder / "pixels"), np.random.default_rng(0), 2 * model.image_size
    for _ in range(photos):
        pixels.append(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
    captions = tuple((f"{number} dogs run through the shallow water of a lake",) for number in range(photos))
    problem = Problem(
        posts=Posts(pixels, tuple(tuple(cut(text, 0, 3) for text in texts) for texts in captions)),
        grids=(grid_shape(side, side, model.image_size),) * photos,
        captions=captions,
        surrogates=(model,),
        vocabulary=default_vocabulary(),
        noise_path=folder / "noise.i8",
    )
    settings = replace(BALANCED, batch_size=photos, proxy_weight=0.0)
    return METHODS["mem"]().start(problem, settings)


def bare(model: DualEncoder, photos: int, *, train: bool) -> None:
    """Take one pass forward, and back to the weights or to the photos."""
    model.module.train(train)
    pixels = torch.rand(photos, 3, model.image_size, model.image_size).requires_grad_(not train)
    with computing(model, "auto", "photo"):
        features = model.encode_image(pixels)
    wanted = list(model.module.get_submodule("visual").parameters()) if train else [pixels]
    torch.autograd.grad(features.float().sum(), wanted, allow_unused=True)


def measure(name: str, photos: int, rounds: int, folder: Path) -> str:
    session = session_of(model_of(name), photos, folder)
    (model,), learners = session.state.models, list(zip(session.state.models, session.state.optimisers, strict=True))

    width = model.encode_text(torch.zeros(1, 1, dtype=torch.long)).shape[1]
    proxy = FeatureShift(model, "auto", torch.randn(photos, width))

    def as_loaded() -> None:
        model.learn()

    def settled() -> None:  # once a round in a run, for all of its noise steps
        steps.settle([model], session.settings.precision)

    def noise_step(pulled: float) -> None:
        steps.move_noise(session, range(photos), shuffle=True, auxiliary=[proxy], auxiliary_share=pulled)

    def training_step() -> None:
        steps.train_step(session, learners, session.state.triggers)

    built = as_built(model)
    timed: list[tuple[Step, Step]] = [
        (as_loaded, lambda: [bare(built, photos, train=False) for _ in range(STEPS)]),
        (as_loaded, lambda: [bare(model, photos, train=False) for _ in range(STEPS)]),
        (settled, lambda: noise_step(0)),
        (settled, lambda: noise_step(1)),
        (as_loaded, lambda: bare(built, photos, train=True)),
        (as_loaded, lambda: bare(model, photos, train=True)),
        (as_loaded, training_step),
    ]
    fastest = [float("inf")] * len(timed)
    for _ in range(rounds):
        for number, (prepare, step) in enumerate(timed):
            prepare()
            began = time.perf_counter()
            step()
            fastest[number] = min(fastest[number], time.perf_counter() - began)
    noise, (by_mem, by_shift), bare_training, training = fastest[:2], fastest[2:4], fastest[4:6], fastest[6]
    cells = [name, "bf16" if in_bf16(model, "auto", "photo") else "fp32"]
    cells += [pair(*(f"{1000 * each / photos / STEPS:.1f}" for each in noise))]
    cells += [pair(*(f"{step / each:.2f}" for each in noise)) for step in (by_mem, by_shift)]
    cells += [pair(*(f"{1000 * each / photos:.1f}" for each in bare_training))]
    cells += [pair(*(f"{training / each:.2f}" for each in bare_training))]
    return f"| {' | '.join(cells)} |"


def pair(built: str, replaced: str) -> str:
    return f"{built} ({replaced})"


def main() -> None:
    options = asked(__doc__, HEAD, ["small", "RN50", "ViT-B-32"], 64, rounds=3)
    for name in options.models:
        with tempfile.TemporaryDirectory() as folder, kept():
            print(measure(name, options.photos, options.rounds, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
