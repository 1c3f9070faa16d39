"""Protect shards in the format of WebDataset on a Ray cluster, a shard a task, and print what became of each.

    pip install 'unlearnable[cluster]'
    python examples/ray_shards.py SHARDS OUTPUT [options of protect, such as --preset strong]

Posts of `SHARDS/00000.tar` (`0001.jpg` and `0001.txt`) are written to `OUTPUT/00000.tar` with their protected photos
and captions; other files of a post are left out. `OUTPUT/work` holds unpacked originals and must stay private. The
same command continues tasks that were stopped and leaves finished shards as they are. Ray starts on this machine
alone, or joins the cluster in RAY_ADDRESS, whose nodes must see both folders.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import ray
import webdataset

PHOTOS = ("jpg", "jpeg", "png", "webp")


def posts(shard: Path) -> Iterator[tuple[str, dict[str, bytes], str]]:
    """Yield a number, the files and the photo's suffix of each post of a shard."""
    for number, post in enumerate(webdataset.WebDataset([str(shard)], shardshuffle=False)):
        if found := [suffix for suffix in PHOTOS if suffix in post]:
            yield f"{number:06d}", post, found[0]


def unpack(shard: Path, folder: Path) -> None:
    """Write photos and captions of a shard into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, post, suffix in posts(shard):
        (folder / f"{name}.{suffix}").write_bytes(post[suffix])
        if "txt" in post:
            (folder / f"{name}.txt").write_bytes(post["txt"])


def pack(shard: Path, protected: Path, target: Path) -> None:
    """Write the posts of a shard that have a protected photo, under the keys that they had."""
    temporary = target.with_suffix(".part")
    with webdataset.TarWriter(str(temporary), mtime=0) as writer:
        for name, post, _ in posts(shard):
            for photo in (path for one in PHOTOS if (path := protected / f"{name}.{one}").is_file()):
                caption = photo.with_suffix(".txt")
                texts = {"txt": caption.read_bytes()} if caption.is_file() else {}
                writer.write({"__key__": post["__key__"], photo.suffix[1:]: photo.read_bytes(), **texts})
    temporary.replace(target)


@ray.remote(num_cpus=1, max_retries=2)
def protect(shard: Path, output: Path, options: list[str]) -> tuple[int, str]:
    """Return the exit code of a shard's run, and the error that ended it."""
    work, target = output / "work" / shard.stem, output / shard.name
    if target.exists():
        return 0, ""
    try:
        unpack(shard, work)
    except (OSError, tarfile.TarError) as error:
        return 3, f"error: cannot read {shard}: {error}"
    place = work.with_name(f"{work.name}-protected")
    command_line = [sys.executable, "-m", "unlearnable", "protect", work, "--output", place, "--resume", *options]
    ended = subprocess.run(command_line, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        pack(shard, place, target)
    lines = ended.stderr.strip().splitlines() or [""]
    errors = [line for line in lines if line.startswith("error: ")]  # a hint may follow
    return ended.returncode, (errors or lines)[-1]


def main() -> int:
    """Give each shard to a task, and print each as it is done."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, output, options = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute(), sys.argv[3:]
    shards = sorted(folder.glob("*.tar"))
    if not shards:
        sys.exit(f"{folder} holds no shards such as 00000.tar")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(log_to_driver=False)
    waiting = {protect.remote(shard, output, options): shard.name for shard in shards}
    failed = 0
    while waiting:
        (done,), _ = ray.wait(list(waiting))
        name = waiting.pop(done)
        try:
            code, said = ray.get(done)
        except ray.exceptions.RayError as error:  # its workers died, as where memory was short
            code, said = 1, str(error).splitlines()[0]
        failed += code != 0
        print(f"{name}: protected" if code == 0 else f"{name}: exit {code}: {said}", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
