"""What the tool remembers between runs: which files it made, and which run was the last.

It lies in the user's state folder (`UNLEARNABLE_STATE` moves it) and never with the photos.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_state_path

from unlearnable import files

LAST = "last.json"
MADE = "made.txt"


def folder() -> Path:
    """The state folder; it need not exist."""
    chosen = os.environ.get("UNLEARNABLE_STATE")
    return Path(chosen) if chosen else user_state_path("unlearnable")


def made() -> set[str]:
    """sha256 of every photo this user has protected."""
    try:
        return set((folder() / MADE).read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return set()


def remember(photos: Path, output: Path, hashes: Iterable[str]) -> None:
    """Note the photos just made, and the run as the last one."""
    known = made() | set(hashes)
    files.write_text(folder() / MADE, "".join(f"{line}\n" for line in sorted(known)))
    last = {"photos": str(photos), "output": str(output)}
    files.write_text(folder() / LAST, json.dumps(last) + "\n")
