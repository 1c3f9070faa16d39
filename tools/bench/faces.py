"""Lay out a set of faces for a study of protection: training photos, one test photo per person, invented names.

    python tools/bench/faces.py --data PUBFIG --output WORK [--per-person 16] [--people odd] [--seed 0] [--spare 5]
    unlearnable protect WORK/train --captions WORK/train/posts.jsonl --format png
    unlearnable verify WORK/train WORK/train-protected --test WORK/test

With `--spare`, WORK/spare holds the test photos and so many more a person, for a finer measurement than one photo's.
Files are numbered, so that no path holds a real name. Of all people by name, `even` takes every second from the first,
`odd` the others, so that settings can be chosen on the ones and reported on the others.
PUBFIG may have any layout that `open_people` reads.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from unlearnable.posts import Dataset, Photo, hold_out, limit, named_posts, open_people

HALVES = {"all": slice(None), "even": slice(None, None, 2), "odd": slice(1, None, 2)}


def lay_out(dataset: Dataset, chosen: list[Photo], folder: Path) -> int:
    folder.mkdir(parents=True)
    captions, people = {pair.photo: pair.caption for pair in dataset.pairs}, dataset.people
    rows = []
    for number, photo in enumerate(chosen):
        name = f"{number:04d}{photo.path.suffix}"
        shutil.copyfile(photo.path, folder / name)
        rows.append({"image": name, "caption": captions[photo.id], "person": people[photo.id].name})
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--per-person", type=int, default=16)
    parser.add_argument("--people", choices=HALVES, default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spare", type=int, default=0, help="more test photos a person, from those that are left over")
    args = parser.parse_args()
    people = hold_out(open_people(args.data), args.seed)
    chosen = sorted({one.key for one in people.people.values()})[HALVES[args.people]]
    kept = {photo: one for photo, one in people.people.items() if one.key in chosen}
    people = replace(people.of(kept), people=kept)
    dataset = named_posts(people, seed=args.seed)
    train = limit(people, args.per_person, args.seed)
    splits = {split: [photo for photo in train.photos if photo.split == split] for split in ("train", "test")}
    if args.spare:
        of_person = defaultdict(list)
        for photo in sorted(set(dataset.photos) - set(train.photos), key=lambda photo: photo.id):
            of_person[dataset.people[photo.id].key].append(photo)
        splits["spare"] = splits["test"] + [photo for some in of_person.values() for photo in some[: args.spare]]
    for split, photos in splits.items():
        print(f"{lay_out(dataset, photos, args.output / split)} photos in {args.output / split}")


if __name__ == "__main__":
    main()
