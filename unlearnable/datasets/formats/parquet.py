"""Parquet files that hold photos: a photo a row, in `jpg` as img2dataset writes it, or in `image: {bytes, path}`."""

from __future__ import annotations

from unlearnable.datasets.shards.format import Shards
from unlearnable.datasets.shards.parquet import Parquet

PARQUET = Shards("parquet", Parquet())
