"""Data sets of faces made in code, and who is on their photos."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.posts.conftest import touch
from unlearnable.posts import People, open_people

HEADER = "# PubFig Dataset v1.2 - dev_urls.txt\n#\tperson\timagenum\turl\trect\tmd5sum\n"


def manifest(root: Path, *rows: Mapping[str, object]) -> None:
    (root / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def url_list(root: Path, name: str, *rows: str) -> None:
    text = "".join("\t".join(row.split("|")) + "\n" for row in rows)
    (root / name).write_text(HEADER + text, encoding="utf-8")


def labels(people: People) -> dict[str, tuple[str, str | None]]:
    return {portrait.photo.id: (portrait.person, portrait.photo.split) for portrait in people.portraits}


def made_up(root: Path, **counts: int) -> People:
    touch(root, *(f"{person}/{number}.jpg" for person, count in counts.items() for number in range(count)))
    return open_people(root)
