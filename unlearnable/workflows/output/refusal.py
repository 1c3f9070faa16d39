"""Places that nothing is written to unasked: folders of photos, and those that are to be published."""

from __future__ import annotations

from pathlib import Path

from unlearnable.disk.folders import published_above
from unlearnable.errors import ConfigError, OutputError


def check_apart(output: Path, *inputs: Path) -> None:
    """Check that nothing would be written among the inputs.

    Raises:
        ConfigError: the output lies in an input, or contains one.
    """
    target = output.resolve()
    for root in (path.resolve() for path in inputs):
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise ConfigError(f"the output {target} and {root} overlap", hint="choose another --output")


def refuse_published(path: Path) -> None:
    """Refuse to write what shows or names originals into a folder that may be published.

    Raises:
        OutputError: `protect` wrote the folder that the path lies in.
    """
    for folder in published_above(path):
        raise OutputError(
            f"{path} would lie in {folder}, which is to be published", hint="choose a place outside of it"
        )


def said_among_photos(written: Path, photo: Path | None) -> list[str]:
    """Return a remark where pictures were written, as it was asked for, into the folder that a photo lies in."""
    if photo is None or not written.resolve().is_relative_to(folder := photo.resolve().parent):
        return []
    return [f"{written} lies in {folder} as the photo does, where protect takes pictures for photos: move it elsewhere"]
