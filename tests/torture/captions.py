"""Mutated caption files: each is read, or refused in one line."""

from __future__ import annotations

import json
import random
from functools import partial
from pathlib import Path

from PIL import Image

from tests.conftest import CAPTIONS, picture
from tests.torture.photos import in_processes, mutated
from tests.torture.tally import Tally
from unlearnable.errors import ConfigError, InputError
from unlearnable.posts import open_dataset

NAMES = [f"p{number}.png" for number in range(4)]
ROWS = [{"image": name, "caption": CAPTIONS[number]} for number, name in enumerate(NAMES)]
HOSTILE = (
    "\0", "\x1b[2J", "\u202e", "../../etc/passwd", "\n", '"', "[" * 3000, "9" * 5000, "\ud800", "a" * 100_000, "NaN",
    "\ufeff",
)  # fmt: skip


def files() -> dict[str, str]:
    """Return the name and text of a caption file of every format."""
    coco = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(NAMES)],
        "annotations": [{"id": n, "image_id": n, "caption": CAPTIONS[n]} for n in range(4)],
    }
    karpathy = {
        "images": [
            {"filename": name, "split": "train", "sentences": [{"raw": CAPTIONS[n]}]} for n, name in enumerate(NAMES)
        ]
    }
    return {
        "posts.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
        "metadata.jsonl": "".join(json.dumps({"file_name": r["image"], "text": r["caption"]}) + "\n" for r in ROWS),
        "posts.csv": "image,caption\n" + "".join(f'{row["image"]},"{row["caption"]}"\n' for row in ROWS),
        "posts.tsv": "image\tcaption\n" + "".join(f"{row['image']}\t{row['caption']}\n" for row in ROWS),
        "posts.json": json.dumps(ROWS),
        "captions_train.json": json.dumps(coco),
        "dataset.json": json.dumps(karpathy),
        "captions.token": "".join(f"{row['image']}#0\t{row['caption']}\n" for row in ROWS),
        "outbox.json": json.dumps(
            {"orderedItems": [{"object": {"content": "<p>me</p>", "attachment": [{"url": NAMES[0]}]}}]}
        ),
        "tweets.js": "window.YTD.tweets.part0 = " + json.dumps([{"tweet": {"full_text": "me", "id_str": "1"}}]),
    }


def changed(text: str, dice: random.Random) -> bytes:
    """Return the text with hostile pieces in it, or its bytes with a few changes."""
    if dice.random() < 0.5:
        return mutated(text.encode(), [other.encode() for other in files().values()], dice)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(HOSTILE) + text[at + dice.randrange(3) :]
    return text.encode(dice.choice(("utf-8", "utf-16", "latin-1", "utf-8-sig")), "replace")


def drill(trials: int, seed: int, folder: Path) -> Tally:
    """Open data sets with mutated caption files."""
    for number, name in enumerate(NAMES):
        Image.fromarray(picture(number)).save(folder / name)
    tried = partial(_tried, seed=seed, folder=folder)
    return in_processes(tried, Tally("mutated caption files"), trials, seed, folder.parent / "answers")


def _tried(numbers: range, seed: int, folder: Path) -> Tally:
    tally, kinds = Tally(""), files()
    for number in numbers:
        dice = random.Random(f"captions {seed} {number}")
        name = dice.choice(sorted(kinds))
        path = folder / name
        path.write_bytes(changed(kinds[name], dice))
        try:
            dataset = open_dataset(folder, path)
            tally.outcomes["read" if not dataset.skipped else "read in part"] += 1
        except (InputError, ConfigError) as error:
            tally.outcomes["refused"] += 1
            if "\n" in error.message:
                tally.faults.append(f"{name}, trial {number} of seed {seed}: more than a line: {error.message!r}")
        except Exception as error:
            tally.faults.append(f"{name}, trial {number} of seed {seed}: {type(error).__name__}: {str(error)[:200]}")
        path.unlink()
    return tally
