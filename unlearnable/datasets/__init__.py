"""Photos and captions on the disk: read in any known format, and written back in the same."""

from __future__ import annotations

from unlearnable.datasets._opening import open_dataset, write_captions
from unlearnable.datasets.types import Dataset, Edits, Pair, Photo, Skipped

__all__ = ["Dataset", "Edits", "Pair", "Photo", "Skipped", "open_dataset", "write_captions"]
