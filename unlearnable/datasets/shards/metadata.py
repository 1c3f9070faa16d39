"""The Parquet file that img2dataset writes beside each tar: a row a post, with its `key` and caption."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearnable.datasets.shards.columns import PackedRow
from unlearnable.datasets.shards.rows import is_parquet, rewrite_rows
from unlearnable.disk import files, modes

KEY = "key"


def beside(shard: Path) -> Path | None:
    """Return the Parquet file beside a shard, if there is one."""
    path = shard.with_suffix(".parquet")
    return path if path != shard and is_parquet(path) else None


def rewrite_metadata(path: Path, target: Path, posts: Mapping[str, Mapping[str, str]], keep: frozenset[str]) -> None:
    """Write a copy with the rows of posts that stay.

    Args:
        path: file beside a shard.
        target: the copy.
        posts: what the members of each post that stays are called -> its new captions, by the old ones.
        keep: names of fields that stay as they are, case-folded.
    """

    def edit(row: PackedRow) -> dict[str, Any] | None:
        new = posts.get(row.path or "")
        return None if new is None else row.edited(None, row.path, [new.get(one, "") for one in row.captions], keep)

    with files.atomic(target) as temporary:
        rewrite_rows(path, temporary, edit, (KEY,))
    modes.copy_mode(path, target)
