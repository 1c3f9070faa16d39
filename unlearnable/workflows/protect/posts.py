"""Open the posts of a run: which captions are taken, and what is said of them before the work begins."""

from __future__ import annotations

from pathlib import Path

from unlearnable.config import ProtectSettings
from unlearnable.datasets import Dataset, only_captions, open_dataset
from unlearnable.datasets.faces.posts import FORMAT as PEOPLE
from unlearnable.datasets.formats import FORMATS
from unlearnable.errors import ConfigError
from unlearnable.progress import Progress


def open_posts(settings: ProtectSettings, progress: Progress) -> Dataset:
    """Open the posts with their captions, and say where these come from and how many photos have one of the user's.

    Raises:
        InputError: there is no photo, or the captions cannot be read.
        ConfigError: the folder holds several captions, of which none was chosen.
    """
    dataset = open_dataset(settings.photos, settings.captions or _found(settings.photos))
    if dataset.source is not None and dataset.source.is_file():
        progress.note(f"captions from {dataset.source.name}")
    elif dataset.format == "sidecar":
        progress.note("captions from the .txt beside each photo")
    progress.note(said_of_captions(dataset))
    return dataset


def captions_found(dataset: Dataset) -> int:
    """Return the number of photos that have a caption of the user's."""
    return len(dataset.photos) - len(dataset.uncaptioned)


def said_of_captions(dataset: Dataset) -> str:
    """Return a line on how many photos have a caption of the user's, and what the others get."""
    found, photos = captions_found(dataset), len(dataset.photos)
    line = f"{found} of {photos} photos have a caption of yours"
    if found == photos:
        return line
    origin = "with an invented name" if dataset.format == PEOPLE else "from their file name"
    return f"{line}; the others get one made {origin}"


def _found(folder: Path) -> Path | None:
    """Return the one caption file in a folder; None where there is none, or where each photo has one of its own.

    Raises:
        ConfigError: several captions could be meant.
    """
    if not folder.is_dir():
        return None
    captions = only_captions(folder, ConfigError)
    if captions is not None and FORMATS["sidecar"].sniff(folder):
        raise ConfigError(
            f"{folder} holds captions in {captions.name} and in .txt files beside its photos",
            hint=f"choose with --captions {folder / captions.name}, or --captions {folder} for the .txt files",
        )
    return captions
