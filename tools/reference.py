"""Write the pages of docs/reference that are generated from the code: commands and settings.

    python tools/reference.py            write the pages
    python tools/reference.py --check    exit with 1 if a committed page differs

The pages depend only on the code, not on the terminal, the environment or the time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reference_pages import commands, settings

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def pages() -> dict[str, str]:
    """Return the text of every generated file by its path below docs/reference."""
    from unlearnable.cli.app import app

    return {
        "cli.md": commands.page(app),
        "settings.md": settings.page(app),
    }


def stale(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Return the files that differ from `wanted` or are missing."""
    return sorted(name for name, text in wanted.items() if _read(folder / name) != text)


def write(folder: Path, wanted: dict[str, str]) -> None:
    """Write every page."""
    for name in stale(folder, wanted):
        (folder / name).write_text(wanted[name], encoding="utf-8", newline="\n")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit with 1 if a page is stale")
    if not parser.parse_args().check:
        write(REFERENCE, pages())
    elif stale_pages := stale(REFERENCE, pages()):
        sys.exit("stale in docs/reference: " + ", ".join(stale_pages) + "\nrun: python tools/reference.py")


if __name__ == "__main__":
    main()
