"""Train the purifier of the attack `depurify`: protect public photos with this tool, and learn to undo it.

    python tools/attacks/train_depurify.py WORK --data FACES=balanced,strong --data PHOTOS=balanced [--steps 4000]

For each folder (faces, or photos with captions) and each preset named with it, so many photos are protected on `small`,
each time others; a few more are held out, protected in a run of their own, and never trained on. Then the network
learns the noise from random crops, at sizes from the grid of the noise to the size to which the attack reduces photos.
What is done already is kept in WORK, and a run that is stopped resumes there. At the end it prints the PSNR of held-out
photos before and after, and writes WORK/purifier.safetensors in half precision; `--install` puts it into the package.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import torch
import torch.nn.functional as F
from pairs import Pair, pairs_of, parts_of, protected
from safetensors.torch import save_file
from torch import Tensor

from unlearnable.disk import checkpoint, checksums, files
from unlearnable.models import purifier
from unlearnable.models.purifier import EPSILON, Purifier
from unlearnable.verify.victims import ModelPool

CROP, BATCH, RATE, WARMUP = 96, 16, 2e-3, 100
LARGEST_FILE = 2.0  # the noise is enlarged to that many times the working copy at most, then reduced with the photo


def batch_of(pairs: Sequence[Pair], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return random crops of protected photos (b, 3, c, c) in [0, 1], and their noise in units of `EPSILON`."""
    seen, noises = [], []
    for _ in range(BATCH):
        which, size, larger, top, left, flip = torch.rand(6, generator=generator).tolist()
        pair = pairs[int(which * len(pairs))]
        smallest, side = pair[1].shape[-1], pair[0].shape[-1]
        side = round(smallest + (side - smallest) * min(1.0, 1.5 * size))  # a third as large as it is
        clean, changed = protected(pair, side, max(1.0, LARGEST_FILE * larger))
        rows, columns = (slice(int(at * (side - CROP + 1)), int(at * (side - CROP + 1)) + CROP) for at in (top, left))
        clean, changed = clean[:, rows, columns], changed[:, rows, columns]
        if flip < 0.5:
            clean, changed = clean.flip(-1), changed.flip(-1)
        seen.append(changed / 255)
        noises.append((changed - clean) / EPSILON)
    return torch.stack(seen), torch.stack(noises)


def train(pairs: Sequence[Pair], steps: int, state: Path) -> Purifier:
    """Return the network, trained by Adam on the mean squared error under a cosine of the rate."""
    torch.manual_seed(0)
    model: Purifier = Purifier().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser, done = torch.optim.Adam(model.parameters(), RATE), 0
    key = f"{steps} {len(pairs)}"
    if state.is_file():
        saved = checkpoint.load(state, key)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        done = saved["done"]
    clock, mean = checkpoint.Clock(), 0.0
    for number in range(done, steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (number + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * number / steps))
        seen, noises = batch_of(pairs, torch.Generator().manual_seed(number))
        with torch.autocast("cpu", torch.bfloat16):
            found = model(seen.contiguous(memory_format=torch.channels_last))
        loss = F.mse_loss(found.float(), noises)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        mean += float(loss.detach()) / float(noises.square().mean())
        if (number + 1) % 50 == 0:
            print(
                f"{number + 1}: {mean / 50:.4f} of the noise's energy left, {time.process_time():.0f} CPU s", flush=True
            )
            mean = 0.0
        parts = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "done": number + 1}
        clock.tick(partial(checkpoint.save, state, key, parts))
    model.eval()
    return model


def psnr(first: Tensor, second: Tensor) -> float:
    """Return the PSNR of two photos, in dB."""
    return 10 * math.log10(255**2 / max(float((first - second).square().mean()), 1e-9))


def measured(model: Purifier, pairs: Sequence[Pair], side: int, factor: float) -> tuple[float, float]:
    """Return the mean PSNR of protected photos before and after, in dB."""
    both = [protected(pair, side, factor) for pair in pairs]
    after = [psnr(model.purify(changed), clean) for clean, changed in both]
    return fmean(psnr(changed, clean) for clean, changed in both), fmean(after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", action="append", required=True, metavar="DIR=PRESET[,PRESET]")
    parser.add_argument("--photos", type=int, default=120, help="of each folder for each preset")
    parser.add_argument("--held-out", type=int, default=16, help="of each folder for each preset")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--install", action="store_true")
    options = parser.parse_args()
    pool = ModelPool("cpu", from_scratch=False)
    train_parts, test_parts = parts_of(options.data, options.photos, options.held_out)
    made = {part.name: pairs_of(part, options.work, pool) for part in [*train_parts, *test_parts]}
    model = train([pair for part in train_parts for pair in made[part.name]], options.steps, options.work / "state")
    weights = options.work / purifier.WEIGHTS.name
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, weights)
    model.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    print("| held out | side, px | file, px | protected, dB | purified, dB |\n|---|---|---|---|---|")
    for part in test_parts:
        for factor in (1.0, LARGEST_FILE):
            side = min(int(pair[0].shape[-1]) for pair in made[part.name])
            before, after = measured(model, made[part.name], side, factor)
            print(f"| {part.name} | {side} | {round(side * factor)} | {before:.2f} | {after:.2f} |", flush=True)
    if options.install:
        files.write_bytes(purifier.WEIGHTS, weights.read_bytes())
        files.write_text(purifier.CHECKSUM, checksums.sha256(purifier.WEIGHTS) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
