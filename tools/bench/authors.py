"""Measure a step of the method beside the same step as the paper's authors released it, in turns in one run.

    python tools/bench/authors.py [--model RN50] [--photos 8] [--threads 1] [--rounds 2]

The authors' code is not called. Their steps are rebuilt from what they compute: fp32, channels first, texts of 77
tokens, and in a trigger step both encoders run again for each candidate (53 times for three words). Weights and photos
are random. Our noise steps come together, as a run takes them on a batch. The last row weighs the parts as their
schedule of 30,000 pairs does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import open_clip
import torch
from precision import model_of
from steps import STEPS, session_of
from torch import Tensor

from unlearnable.methods import steps
from unlearnable.methods.triggers import improve_triggers
from unlearnable.training.loop import contrastive_loss, kept

CANDIDATE_RUNS = 53  # forward passes of both encoders in their trigger step of three words
NOISE = "noise step, a photo"
SCHEDULE = {NOISE: 160.0, "surrogate step, a pair": 4000 * 128 / 30_000, "trigger step, a post": 5.0}


def their_steps(name: str, photos: int) -> dict[str, Callable[[], object]]:
    """Return the three steps of the authors, each on a batch."""
    model = open_clip.CLIP(**open_clip.get_model_config(name))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.2)
    side = model.visual.image_size if isinstance(model.visual.image_size, int) else model.visual.image_size[0]
    pixels = torch.rand(photos, 3, side, side)
    tokens = open_clip.tokenize(["blue cup tree two dogs run through the shallow water of a lake"] * photos)

    def loss(images: Tensor, texts: Tensor) -> Tensor:
        return contrastive_loss(images, texts, model.logit_scale.exp())

    def noise_step() -> None:
        model.eval().requires_grad_(False)
        noise = torch.zeros_like(pixels).requires_grad_()
        images = model.encode_image(pixels + noise, normalize=True)
        torch.autograd.grad(loss(images, model.encode_text(tokens, normalize=True)), noise)

    def surrogate_step() -> None:
        model.train().requires_grad_(True)
        optimiser.zero_grad()
        images = model.encode_image(pixels, normalize=True)
        loss(images, model.encode_text(tokens, normalize=True)).backward()
        optimiser.step()

    def trigger_step() -> None:
        model.eval().requires_grad_(False)
        model.token_embedding.requires_grad_(True)
        images = model.encode_image(pixels, normalize=True)
        torch.autograd.grad(loss(images, model.encode_text(tokens, normalize=True)), model.token_embedding.weight)
        with torch.no_grad():
            for _ in range(CANDIDATE_RUNS):
                loss(model.encode_image(pixels, normalize=True), model.encode_text(tokens, normalize=True))

    return dict(zip(SCHEDULE, (noise_step, surrogate_step, trigger_step), strict=True))


def our_steps(name: str, photos: int, folder: Path) -> dict[str, Callable[[], object]]:
    """Return the three steps of this package, each on a batch."""
    session = session_of(model_of(name), photos, folder)
    learners = list(zip(session.state.models, session.state.optimisers, strict=True))
    steps.settle(session.state.models, session.settings.precision)

    def settled() -> None:
        """Settle models that have learnt since, as a round does once for all of its noise steps."""
        if any(model.module.training for model in session.state.models):
            steps.settle(session.state.models, session.settings.precision)

    def noise_steps() -> None:
        settled()
        steps.move_noise(session, range(photos), shuffle=True)

    def trigger_step() -> None:
        settled()
        improve_triggers(session, list(range(photos)))

    def surrogate_step() -> None:
        steps.train_step(session, learners, session.state.triggers)

    return dict(zip(SCHEDULE, (noise_steps, surrogate_step, trigger_step), strict=True))


def timed(step: Callable[[], object]) -> float:
    """Return the seconds of a step."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def in_a_run(step: Callable[[], object]) -> float:
    """Return the seconds of a step where memory is kept from one step to the next, as a run does."""
    with kept():
        step()
        return timed(step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="RN50", help="an architecture of open_clip")
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("| part | theirs, s | ours, s | times as fast |", "|---|---|---|---|", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        theirs = their_steps(options.model, options.photos)
        ours = our_steps(options.model, options.photos, Path(folder))
        sums = [0.0, 0.0]
        for part, weight in SCHEDULE.items():
            rounds = [(timed(theirs[part]), in_a_run(ours[part])) for _ in range(options.rounds)]
            their, our = (min(seconds) / options.photos for seconds in zip(*rounds, strict=True))
            our /= STEPS if part == NOISE else 1
            sums = [sums[0] + weight * their, sums[1] + weight * our]
            print(f"| {part} | {their:.3f} | {our:.3f} | {their / our:.1f} |", flush=True)
    print(f"| a pair in all | {sums[0]:.0f} | {sums[1]:.0f} | {sums[0] / sums[1]:.1f} |")


if __name__ == "__main__":
    main()
