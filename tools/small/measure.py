"""Rank Flickr8k's test split with the bundled model as shipped.

python tools/small/measure.py --data FLICKR8K
"""

from __future__ import annotations

import argparse
from pathlib import Path

from train import load_pixels, read_split, report

from unlearnable.models.openclip import load
from unlearnable.models.tokens import tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    photos, captions, owner = read_split(parser.parse_args().data, "test")
    print(report(load("small"), load_pixels(photos, 224), tokenizer()(captions), owner))


if __name__ == "__main__":
    main()
