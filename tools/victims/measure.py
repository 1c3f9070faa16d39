"""Tell whether a victim can judge: what it knows of faces before and after it is fine-tuned on clean posts of them.

    python tools/victims/measure.py VICTIM [VICTIM ...] --data FACES [--photos 16] [--seeds 0 1 2] [--lr 1e-3]

One photo of each person is ranked; the recipe is the default of `verify` but for the rate, where it is given.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from unlearnable.benchmark.cells import decoded
from unlearnable.benchmark.suites import corpus_of
from unlearnable.posts import hold_out, limit, named_posts, open_people
from unlearnable.report import BothWays
from unlearnable.settings import VerifySettings
from unlearnable.storage.progress import Silent
from unlearnable.training.data import Pairs, pairs_of
from unlearnable.training.loop import TrainingTask, fit, recipe_for
from unlearnable.training.retrieval import chance, retrieve, scores
from unlearnable.verify.cells import ModelPool

SIDE = 144  # pixels of the squares that stand for the files


def shown(both: BothWays) -> str:
    ways = (both.image_to_text, both.text_to_image)
    return ", ".join(f"{way.hit10:.1f} / {way.medr:g}" for way in ways)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("victims", nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="folder of faces")
    parser.add_argument("--photos", type=int, default=16)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--lr", type=float)
    options = parser.parse_args()
    people = limit(hold_out(open_people(options.data), 0), options.photos, 0)
    corpus = corpus_of(named_posts(people, seed=0), None)
    settings = VerifySettings(originals=options.data, protected=options.data, lr=options.lr)
    with tempfile.TemporaryDirectory() as temporary:
        train, test = (decoded(part, SIDE, Path(temporary), Silent()) for part in (corpus.train, corpus.test))
        posts, gallery = (pairs_of(part.pixels, part.captions) for part in (train, test))
        nothing = Pairs(gallery.pixels, gallery.photos[:0], gallery.tokens[:0])  # nothing is ranked between the epochs
        pool = ModelPool("cpu", from_scratch=False)
        print(f"{len(train.items)} photos; random order: {shown(chance(gallery))} (image->text, text->image)")
        for victim in options.victims:
            print(f"{victim}, before: {shown(scores(retrieve(pool.pretrained(victim), gallery)))}", flush=True)
            for seed in options.seeds:
                began, model = time.monotonic(), pool.start(victim, seed)
                architecture = pool.architecture(victim)
                recipe = recipe_for(settings, architecture, seed=seed, from_scratch=False, one_caption=True)
                fit(model, TrainingTask(posts, nothing, recipe), Silent())
                after = shown(scores(retrieve(model, gallery)))
                print(f"{victim}, seed {seed}: {after} in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
