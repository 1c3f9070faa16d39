"""Screen ways to make noise without training on it: what do models see that have learnt the clean photos?

    python tools/bench/centroids.py arms.toml --data FACES

The arms are those of `screen.py`. Each judge learns the clean posts once, as a victim would. A victim learns a name
where the photos with that name lie in its space, so clean held-out photos are ranked by their cosine to the mean
features of each person's photos with their noise, both ways. Printed is the share of the way from the rank with clean
photos to a random order (geometric means): 0 for noise that moves nobody, 1 where nobody is found. It takes seconds a
judge, and came out at a half to four fifths of what victims lost that were trained without the words.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import tomllib
from pathlib import Path

import torch
from screen import RECIPE, SIDE, Screen, people_of, protected, psnr
from torch import Tensor

from unlearnable.benchmarks.pixel_cache import DecodedPhotos, decoded
from unlearnable.benchmarks.protections import Scraped
from unlearnable.config import AS_PUBLISHED, Recipe
from unlearnable.methods.proxies import centres_of
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pairs import Pairs, Photos, pairs_of
from unlearnable.progress.reporting import Silent
from unlearnable.training.fit import TrainingTask, fit
from unlearnable.training.view import PLAIN_VIEW, load_view
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.victims import ModelPool

BATCH = 64


def learnt(name: str, train: DecodedPhotos, pool: ModelPool) -> DualEncoder:
    """Return a judge that has learnt the clean posts."""
    model = pool.start(name, 0)
    posts = pairs_of(train.pixels, train.captions)
    nothing = Pairs(posts.pixels, posts.photos[:0], posts.tokens[:0])
    fit(model, TrainingTask(posts, nothing, Recipe(**RECIPE, lr=tuning_rate(pool.architecture(name)))), Silent())
    model.module.eval()
    return model


@torch.no_grad()
def features(model: DualEncoder, photos: Photos, count: int) -> Tensor:
    """Return (n, d) features of the first photos, loaded plainly."""
    parts = [range(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]
    loaded = (torch.stack([load_view(photos[n], model.image_size, PLAIN_VIEW) for n in part]) for part in parts)
    return torch.cat([model.encode_image(pixels) for pixels in loaded])


def log_rank(photos: Tensor, centres: Tensor, people: Tensor) -> float:
    """Return the mean logarithm of the rank of the right person and of the right photo, one photo a person."""
    cosines = photos @ centres.T
    own = cosines.gather(1, people[:, None])
    ranks = [1 + (cosines > own).sum(dim=1), 1 + (cosines[:, people] > own.T).sum(dim=0)]
    return float(torch.cat(ranks).double().log().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder of faces")
    options = parser.parse_args()
    file = tomllib.loads(options.arms.read_text(encoding="utf-8"))
    arms = file.pop("arms")
    screen = Screen(**{name: tuple(value) if isinstance(value, list) else value for name, value in file.items()})
    items, ranked = people_of(options.data, screen)
    pool = ModelPool("cpu", from_scratch=False)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        train, test = (decoded(some, SIDE, scratch / "photos", Silent()) for some in (items, ranked))
        names = sorted({item.person or "" for item in train.items})
        labels, people = (torch.tensor([names.index(one.person or "") for one in some.items]) for some in (train, test))
        guess = sum(map(math.log, range(1, len(names) + 1))) / len(names)
        judges = {name: learnt(name, train, pool) for name in screen.victims}
        held_out = {name: features(model, test.pixels, len(test.items)) for name, model in judges.items()}
        clean = {
            name: log_rank(held_out[name], centres_of(features(model, train.pixels, len(labels)), labels), people)
            for name, model in judges.items()
        }
        everyone, as_published = torch.ones(len(labels), dtype=torch.bool), parse_attack(AS_PUBLISHED)
        for arm, settings in arms.items():
            protection = protected(train, dict(settings), pool, screen, scratch / arm)
            files = Scraped(train.pixels, protection, everyone, as_published, "bilinear")
            for name, model in judges.items():
                moved = log_rank(held_out[name], centres_of(features(model, files, len(labels)), labels), people)
                share = (moved - clean[name]) / (guess - clean[name])
                print(f"{arm}  {name}  {psnr(train, protection):.1f} dB  {share:.2f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
