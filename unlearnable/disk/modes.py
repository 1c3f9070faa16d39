"""Who may read and write a file; nothing here does anything outside POSIX."""

from __future__ import annotations

import os
from pathlib import Path

from unlearnable.disk import files


def copy_mode(source: Path, target: Path) -> None:
    """Let those read and write a file who may read and write another one; does nothing outside POSIX."""
    set_mode(target, source.stat().st_mode)


def set_mode(path: Path, mode: int) -> None:
    """Let those read and write a file whom the mode of another one lets; does nothing outside POSIX."""
    if os.name == "posix":
        path.chmod(mode & 0o666 | 0o600)


def make_private(folder: Path) -> None:
    """Let only the owner into a folder and at the files in it; does nothing outside POSIX.

    A file that has another name elsewhere is somebody's there too, and keeps its mode.
    """
    if os.name != "posix":
        return
    with files.reporting_write_errors(folder):
        folder.chmod(0o700)
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1:
                path.chmod(0o600)
