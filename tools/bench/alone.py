"""Ask models for one person or a few, alone in protecting their posts among others who do not, in draws.

    python tools/bench/alone.py lay-out --data PUBFIG --output DRAWS --draws 6
    unlearnable protect DRAWS/0/mine --captions DRAWS/0/mine/posts.jsonl
    python tools/bench/alone.py ask DRAWS/0 --posts mine mine-protected --victims resnet-small vit-small [--strip 3]

A person of a draw has 40 posts and 20 photos that are held out, anybody else 8 posts, unless `--sizes` says otherwise;
`--people` of them post together, in no other draw. A victim is fine-tuned, as `verify` does it in batches of 64, on
the posts of the others and on those of the draw in one of the folders of `--posts`; without any where that is `none`.
`--strip` takes the first words of the captions away. Then it is asked for the name of each held-out photo of the draw
("a photo of NAME") among the names of all, and for the photos of each of its names, as many as there are, among these
and one held-out photo of everybody else. Printed are the share of photos whose name is the first and among the first
ten, the geometric mean rank of the name, and the share of photos found by their name. Photos and names are of few
people: a figure of one draw says little.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unlearnable.imaging.decode import decode
from unlearnable.imaging.picture import working_copy
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import tokenizer
from unlearnable.posts import hold_out, limit, named_posts, open_people
from unlearnable.storage.progress import Silent
from unlearnable.training.data import Pairs, pairs_of
from unlearnable.training.loop import Recipe, TrainingTask, fit
from unlearnable.training.retrieval import embed, embed_texts
from unlearnable.verify.cells import ModelPool

Row = tuple[Path, dict[str, Any]]


def lay_out(data: Path, output: Path, draws: int, together: int, sizes: tuple[int, int, int]) -> None:
    """Draw people with enough photos: sizes are their posts, their held-out photos, and posts of anybody else."""
    own, held, others_own = sizes
    people = limit(hold_out(open_people(data), 0), own + held, 0)
    dataset = named_posts(people, seed=0)
    captions = {pair.photo: pair.caption for pair in dataset.pairs}
    posts: dict[str, list[Row]] = {}
    last: dict[str, Row] = {}
    for photo in dataset.photos:
        name = dataset.people[photo.id].name
        row = photo.path, {"caption": captions[photo.id], "person": name}
        if photo.split == "train":
            posts.setdefault(name, []).append(row)
        else:
            last[name] = row
    often = sorted(name for name, rows in posts.items() if len(rows) == own + held)
    drawn = random.Random(0).sample(often, draws * together)
    for draw in range(draws):
        folder, mine = output / str(draw), drawn[draw * together : (draw + 1) * together]
        others = [name for name in posts if name not in mine]
        write(folder / "mine", (row for name in mine for row in posts[name][:own]))
        write(folder / "held", (row for name in mine for row in posts[name][own:]))
        write(folder / "others", (row for name in others for row in posts[name][:others_own]))
        write(folder / "others-held", (last[name] for name in others if name in last))
        print(f"{folder}: {', '.join(mine)}")


def write(folder: Path, rows: Iterable[Row]) -> None:
    folder.mkdir(parents=True)
    lines = []
    for number, (path, row) in enumerate(rows):
        name = f"{number:04d}{path.suffix}"
        shutil.copyfile(path, folder / name)
        lines.append(json.dumps({"image": name, **row}) + "\n")
    (folder / "posts.jsonl").write_text("".join(lines), encoding="utf-8")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "posts.jsonl").read_text(encoding="utf-8").splitlines()]


def pairs(model: DualEncoder, folders: Iterable[Path], strip: int = 0) -> Pairs:
    """Return photos and captions of folders, without the first words of the last folder's captions."""
    photos, captions = [], []
    for folder in folders:
        for row in rows_of(folder):
            copy = working_copy(decode(folder / row["image"]).pixels, model.image_size)
            photos.append(torch.from_numpy(copy.copy()).permute(2, 0, 1).float())
            words = strip if folder.name not in ("others", "mine") else 0
            captions.append([row["caption"].split(maxsplit=words)[-1] if words else row["caption"]])
    return pairs_of(photos, captions)


def trained(pool: ModelPool, victim: str, folders: Iterable[Path], strip: int, seed: int) -> DualEncoder:
    model = pool.start(victim, seed)
    posts = pairs(model, folders, strip)
    nothing = Pairs(posts.pixels, posts.photos[:0], posts.tokens[:0])
    recipe = Recipe(epochs=10, batch_size=64, one_caption=True, lr=tuning_rate(pool.architecture(victim)), seed=seed)
    fit(model, TrainingTask(posts, nothing, recipe), Silent())
    return model


@torch.no_grad()
def asked(model: DualEncoder, folder: Path) -> list[float]:
    own, others = (embed(model, pairs(model, [folder / name]))[0] for name in ("held", "others-held"))
    people = [row["person"] for row in rows_of(folder / "held")]
    names = list(dict.fromkeys(people))
    right = torch.tensor([names.index(name) for name in people])
    names += [row["person"] for row in rows_of(folder / "others-held")]
    texts = embed_texts(model, tokenizer()([f"a photo of {name}" for name in names]))
    order = (own @ texts.T).argsort(dim=1, descending=True)
    ranks = (order == right[:, None]).int().argmax(dim=1) + 1
    found = (texts @ torch.cat([own, others]).T).argsort(dim=1, descending=True)
    first = [found[name, :count] for name, count in enumerate(right.bincount().tolist())]
    met = [right[photos[photos < len(own)]] == name for name, photos in enumerate(first)]
    return [
        share(ranks <= 1),
        share(ranks <= 10),
        float(ranks.double().log().mean().exp()),
        100 * sum(int(each.sum()) for each in met) / len(own),
    ]


def share(true: Tensor) -> float:
    return 100 * float(true.double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    first = commands.add_parser("lay-out")
    first.add_argument("--data", type=Path, required=True)
    first.add_argument("--output", type=Path, required=True)
    first.add_argument("--draws", type=int, required=True)
    first.add_argument("--people", type=int, default=1)
    first.add_argument("--sizes", type=int, nargs=3, default=(40, 20, 8))
    second = commands.add_parser("ask")
    second.add_argument("folder", type=Path)
    second.add_argument("--posts", nargs="+", required=True)
    second.add_argument("--victims", nargs="+", required=True)
    second.add_argument("--strip", type=int, default=0)
    second.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.command == "lay-out":
        lay_out(args.data, args.output, args.draws, args.people, tuple(args.sizes))
        return
    pool = ModelPool("cpu", from_scratch=False)
    for victim in args.victims:
        for posts in args.posts:
            folders = [args.folder / name for name in ("others", posts) if name != "none"]
            model = trained(pool, victim, folders, args.strip, args.seed)
            figures = " ".join(f"{figure:.1f}" for figure in asked(model, args.folder))
            print(args.folder, victim, posts, f"strip {args.strip}", figures, flush=True)


if __name__ == "__main__":
    main()
