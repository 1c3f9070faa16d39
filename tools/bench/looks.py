"""Train victims on posts of people with looks, and ask them for held-out photos.

    python tools/bench/faces.py --data PUBFIG --output SET --per-person 8 --spare 5
    unlearnable protect SET/train --captions SET/train/posts.jsonl --format png
    python tools/bench/looks.py SET --victims vit-small resnet-small conv-small --arms clean film film+noise

An arm is a look, or clean; with `+noise` it has the noise of SET/train-protected too. `=NAME` are the photos of
SET/NAME, as `protect` or `trial.py` published them. With `@grayscale`, `@jpeg-75` and so on an attack of `verify`
changes what was published. Captions are clean, as if the words were stripped; of `=NAME!` they are as published.
Printed are Hit@10 and the geometric mean rank over both directions and over galleries of one photo a person from
SET/spare; Hit@10 on SET/test, in the last and in the best epoch; and the PSNR of what was published.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from unlearnable.imaging.decode import decode
from unlearnable.imaging.looks import in_look, looks_of, tint_of
from unlearnable.imaging.picture import working_copy
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.storage.progress import Silent
from unlearnable.training.data import Pairs, pairs_of
from unlearnable.training.loop import Recipe, TrainingTask, fit
from unlearnable.training.retrieval import embed, rank
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.cells import ModelPool


def rows_of(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "posts.jsonl").read_text(encoding="utf-8").splitlines()]


def published_in(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return photo and caption of a result of `protect`, by the name of the photo without its suffix."""
    return {Path(row["image"]).stem: (folder / row["image"], row["caption"]) for row in rows_of(folder)}


def pairs(folder: Path, arm: str, side: int, seed: int) -> tuple[Pairs, float]:
    """Return photos and captions as published by an arm, and the PSNR of these photos in dB."""
    published, _, way = arm.partition("@")
    kind, _, noise = published.partition("+")
    result = published_in(folder.with_name(kind[1:].rstrip("!"))) if kind.startswith("=") else {}
    rows = rows_of(folder)
    names = [row["person"] for row in rows]
    people = [sorted(set(names)).index(name) for name in names]
    originals = [decode(folder / row["image"]).pixels for row in rows]
    looks = looks_of(list(map(tint_of, originals)), people, "none" if kind == "clean" or result else kind, seed)
    photos, captions, errors = [], [], []
    for row, before, look in zip(rows, originals, looks, strict=True):
        shown = in_look(before, look).astype(int)
        if result:
            copy, caption = result[Path(row["image"]).stem]
            shown = decode(copy).pixels.astype(int)
            row["caption"] = caption if kind.endswith("!") else row["caption"]
        errors.append(np.mean((shown - before) ** 2))
        if noise:
            copy = folder.with_name(f"{folder.name}-protected") / Path(row["image"]).with_suffix(".png")
            shown = np.clip(shown + decode(copy).pixels - before.astype(int), 0, 255)
        pixels = shown.astype(np.uint8)
        pixels = parse_attack(way).image(pixels) if way else pixels
        photos.append(torch.from_numpy(working_copy(pixels, side).copy()).permute(2, 0, 1).float())
        captions.append([row["caption"]])
    return pairs_of(photos, captions), 10 * float(np.log10(255**2 / max(np.mean(errors), 1e-9)))


def ranks_over(model: DualEncoder, folder: Path) -> torch.Tensor:
    """Return the ranks over galleries that hold one photo of each person."""
    of_person: dict[str, list[int]] = {}
    for number, row in enumerate(rows_of(folder)):
        of_person.setdefault(row["person"], []).append(number)
    images, texts, _ = embed(model, pairs(folder, "clean", model.image_size, 0)[0])
    galleries = (torch.tensor(one) for one in zip(*of_person.values(), strict=False))
    ranks = [torch.cat(rank(images[one], texts[one], torch.arange(len(one)))) for one in galleries]
    return torch.cat(ranks).double()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--victims", nargs="+", required=True)
    parser.add_argument("--arms", nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=0, help="of the trainings")
    parser.add_argument("--look-seed", type=int, default=0)
    args = parser.parse_args()
    pool = ModelPool("cpu", from_scratch=False)
    for victim in args.victims:
        for arm in args.arms:
            model = pool.start(victim, args.seed)
            train, psnr = pairs(args.folder / "train", arm, model.image_size, args.look_seed)
            test, _ = pairs(args.folder / "test", "clean", model.image_size, 0)
            rate = tuning_rate(pool.architecture(victim))
            recipe = Recipe(epochs=10, batch_size=64, one_caption=True, lr=rate, seed=args.seed)
            trace = fit(model, TrainingTask(train, test, recipe), Silent())
            both = [(one.image_to_text, one.text_to_image) for one in trace.epochs]
            hits = [(first.hit10 + second.hit10) / 2 for first, second in both if first and second]
            ranks = ranks_over(model, args.folder / "spare")
            fine = f"{100 * (ranks <= 10).double().mean():.1f} {ranks.log().mean().exp():.2f}"
            figures = f"{fine} | {hits[-1]:.1f} {max(hits):.1f} | {psnr:.1f}"
            print(args.folder.name, victim, arm, args.look_seed, figures, flush=True)


if __name__ == "__main__":
    main()
