"""Shards of webdataset and img2dataset: `0001.jpg`, `0001.txt` and `0001.json` in `00000.tar`."""

from __future__ import annotations

from unlearnable.datasets.shards.format import Shards
from unlearnable.datasets.shards.tar import Tar

WEBDATASET = Shards("webdataset", Tar())
