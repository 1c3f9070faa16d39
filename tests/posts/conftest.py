"""What several tests of data sets make: photos without content, caption files, and any JSON."""

from __future__ import annotations

from pathlib import Path


def touch(root: Path, *photos: str) -> None:
    for photo in photos:
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).touch()


def captions(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def redone(text: str) -> str:
    """The mojibake that Instagram and Facebook make of a text."""
    return text.encode("utf-8").decode("latin-1")
