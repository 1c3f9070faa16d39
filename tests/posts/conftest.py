"""What several tests of posts make: photos without content, caption files, exports, and faces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from unlearnable.posts import Dataset, open_people


def touch(root: Path, *photos: str) -> None:
    for photo in photos:
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).touch()


def captions(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def lay_out(root: Path, texts: Mapping[str, object], *photos: str) -> None:
    """Write texts, or values of JSON, and empty photos beside them."""
    touch(root, *photos, *texts)
    for name, text in texts.items():
        (root / name).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")


def redone(text: str) -> str:
    """The mojibake that Instagram and Facebook make of a text."""
    return text.encode("utf-8").decode("latin-1")


def words(dataset: Dataset) -> dict[str, list[str]]:
    """The captions of the user's, by photo."""
    by_photo = dataset.pairs_by_photo()
    return {photo: [one.caption for one in pairs] for photo, pairs in by_photo.items() if pairs[0].record != -1}


def manifest(root: Path, *rows: Mapping[str, object]) -> Path:
    return captions(root / "manifest.jsonl", *map(json.dumps, rows))


def made_up(root: Path, **counts: int) -> Dataset:
    touch(root, *(f"{person}/{number}.jpg" for person, count in counts.items() for number in range(count)))
    return open_people(root)
