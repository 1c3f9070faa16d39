"""Posts whose photos lie in shards: unpacked for the run, packed again, and read back from what was packed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unlearnable.datasets import Dataset
from unlearnable.datasets.formats import FORMATS
from unlearnable.datasets.opening import shards_of
from unlearnable.datasets.others import other_files
from unlearnable.datasets.shards.format import Shards
from unlearnable.disk import checksums
from unlearnable.errors import ConfigError, OutputError
from unlearnable.progress.reporting import Progress
from unlearnable.results import ManifestLine
from unlearnable.workflows.output.layout import Layout

UNPACKED = "unpacked"


def unpacked(place: Path, captions: Path | None, scratch: Path, progress: Progress) -> Dataset | None:
    """Unpack the photos that lie in shards; None where `place` holds no shards.

    Args:
        place: a shard, or a folder.
        captions: the caption file that the user chose; shards have their own.
        scratch: folder for the photos, which the caller removes.
        progress: receives the remark that photos are unpacked.

    Raises:
        InputError: a shard is damaged, or there is no room for its photos.
        ConfigError: captions were given.
    """
    packed = shards_of(place)
    if packed is None:
        return None
    if captions is not None:
        raise ConfigError(f"{place} holds photos and captions in shards", hint="leave out --captions")
    progress.phase("unpacking shards", 0)
    folder = scratch / UNPACKED
    packed.unpack(place, folder)
    dataset = packed.read(place, folder)
    shards = packed.paths(place)
    return replace(dataset, others=other_files(place, shards)) if place.is_dir() else dataset


def leave_packed(dataset: Dataset, lines: Sequence[ManifestLine], layout: Layout, scratch: Path) -> None:
    """Remove the staged photos that are in staged shards, after each was read back from those as it was staged.

    Raises:
        OutputError: a shard does not hold a photo as it was written.
    """
    packed = FORMATS[dataset.format]
    if dataset.shards is None or not isinstance(packed, Shards):
        return
    names = {str(line.output): line.sha256_out for line in lines if line.output}
    for name in names:
        (layout.staged / name).unlink(missing_ok=True)
    for folder in sorted((path for path in layout.staged.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    read_back = scratch / "read-back"
    packed.unpack(layout.staged, read_back)
    for name, checksum in names.items():
        if not (read_back / name).is_file() or checksums.sha256(read_back / name) != checksum:
            raise OutputError(f"{name} is not in its shard as it was written", hint="check the disk and start again")
    shutil.rmtree(read_back)
