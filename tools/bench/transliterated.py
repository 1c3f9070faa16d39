"""Count the names in disguise that come back where a program writes all letters in Latin by their sound.

    pip install anyascii
    python tools/bench/transliterated.py --data PEOPLE [--data MORE]

PEOPLE may have any layout that `open_people` reads. A name counts as back if all of its words do; a word by itself may
be back where the name is not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from anyascii import anyascii

from unlearnable.datasets import open_people
from unlearnable.posts.letters import look_alike


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    names = {name for data in parser.parse_args().data for name in open_people(data).persons}
    words = {word for name in names for word in name.split()}
    for kind, texts in (("names", names), ("words", words)):
        same = sum(look_alike(text) == text for text in texts)
        back = sum(look_alike(text) != text and anyascii(look_alike(text)) == text for text in texts)
        print(f"{len(texts)} {kind}: {same} have no such letter, {back} come back")


if __name__ == "__main__":
    main()
