"""Shards made by code, as img2dataset writes them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from tests.conftest import picture


def photo_bytes(number: int, kind: str = "JPEG") -> bytes:
    """The file of a photo, different for each number."""
    buffer = io.BytesIO()
    Image.fromarray(picture(number)).save(buffer, kind, quality=95)
    return buffer.getvalue()


def fields_of(key: str, caption: str | None, **more: Any) -> dict[str, Any]:
    """What img2dataset writes beside a photo."""
    url = f"https://example.org/{key}.jpg"
    known = {"key": key, "status": "success", "error_message": None, "width": 64, "height": 48, "exif": "{}"}
    return {"caption": caption, "url": url, **known, "sha256": "00", **more}


def post(number: int, caption: str, **more: Any) -> dict[str, bytes]:
    """The members of a post."""
    key = f"{number:09d}"
    fields = json.dumps(fields_of(key, caption, **more), indent=4)
    return {f"{key}.jpg": photo_bytes(number), f"{key}.json": fields.encode(), f"{key}.txt": caption.encode()}


def write_tar(path: Path, members: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Path:
    """Write a tar of ordinary files, with times of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs = members.items() if isinstance(members, Mapping) else members
    with tarfile.open(path, "w") as opened:
        for number, (name, data) in enumerate(pairs):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname = len(data), 1_700_000_000 + number, "me"
            opened.addfile(info, io.BytesIO(data))
    return path


def read_tar(path: Path) -> dict[str, bytes]:
    """The members of a tar, in order."""
    with tarfile.open(path) as opened:
        return {info.name: (opened.extractfile(info) or io.BytesIO()).read() for info in opened}
