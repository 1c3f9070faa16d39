"""Measure how surely copies that were saved again are told from originals that were.

    python tools/bench/resaved.py PHOTOS PROTECTED

PHOTOS are originals, PROTECTED what `protect` wrote of them. Each copy, and each original, is saved again as platforms
and people do: the first should be recognised, the second never, nor any photo as the copy of another. A row for each
way: the bits in which the perceptual hash differs from that of the copy, the noise that is carried, and how many are
recognised.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from unlearnable.imaging.decode import decode
from unlearnable.imaging.duplicates import differing_bits, perceptual_hash
from unlearnable.workflows.output.layout import Layout, private_of
from unlearnable.workflows.output.records import read_manifest
from unlearnable.workflows.protect.preparing.resaved import (
    LEAST_ALIKE,
    LEAST_CARRIED,
    NEAR_COPY,
    carried,
    without_noise,
)

Pixels8 = NDArray[np.uint8]


class Post(NamedTuple):
    """An original, and its copy without noise and with it."""

    original: Pixels8
    clean: Pixels8
    copy: Pixels8
    code: str


def saved(image: Image.Image, file_format: str, quality: int) -> Image.Image:
    """Return a picture as it is read back."""
    file = io.BytesIO()
    image.save(file, file_format, quality=quality)
    return Image.open(file).convert("RGB")


def fitted(image: Image.Image, longest: float) -> Image.Image:
    """Return a picture reduced to a longer side, or as it is."""
    scale = min(1.0, longest / max(image.size))
    return image.resize([max(1, round(scale * side)) for side in image.size], Image.Resampling.LANCZOS)


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Return a picture without a share of its width and height, taken from all sides."""
    width, height = image.size
    left, top = round(width * share / 2), round(height * share / 2)
    return image.crop((left, top, width - left, height - top))


WAYS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "JPEG 95": lambda image: saved(image, "JPEG", 95),
    "JPEG 75": lambda image: saved(image, "JPEG", 75),
    "JPEG 75 twice": lambda image: saved(saved(image, "JPEG", 75), "JPEG", 75),
    "JPEG 50": lambda image: saved(image, "JPEG", 50),
    "WebP 80": lambda image: saved(image, "WEBP", 80),
    "longer side 1080, JPEG 75": lambda image: saved(fitted(image, 1080), "JPEG", 75),
    "longer side 720, JPEG 75": lambda image: saved(fitted(image, 720), "JPEG", 75),
    "half the size, JPEG 75": lambda image: saved(fitted(image, max(image.size) / 2), "JPEG", 75),
    "cropped by 1 %, JPEG 75": lambda image: saved(cropped(image, 0.01), "JPEG", 75),
    "cropped by 5 %, JPEG 75": lambda image: saved(cropped(image, 0.05), "JPEG", 75),
    "brighter by 5 %, JPEG 75": lambda image: saved(ImageEnhance.Brightness(image).enhance(1.05), "JPEG", 75),
}


def read(photos: Path, protected: Path) -> list[Post]:
    """Return originals and copies."""
    layout = Layout(protected, private_of(protected), photos)
    lines = [line for line in read_manifest(layout.manifest) if line.output]
    posts = []
    for line in lines:
        original, copy = decode(photos / line.source), decode(protected / str(line.output))
        code = perceptual_hash(copy.pixels)
        posts.append(Post(original.pixels, without_noise(original, copy), copy.pixels, code))
    return posts


def row(name: str, pictures: Sequence[Pixels8], posts: Sequence[Post]) -> tuple[str, int]:
    """Return a row of the table, and the number of photos that are taken for the copy of another one."""
    bits, shares, likeness, found, others = [], [], [], 0, 0
    for number, (picture, post) in enumerate(zip(pictures, posts, strict=True)):
        code = perceptual_hash(picture)
        bits.append(differing_bits(code, post.code))
        one = carried(picture, post.clean, post.copy)
        if one is not None:
            shares.append(one.share)
            likeness.append(one.alike)
        found += bits[-1] <= NEAR_COPY and one is not None and one.is_enough
        for other, another in enumerate(posts):
            if other != number and differing_bits(code, another.code) <= NEAR_COPY:
                far = carried(picture, another.clean, another.copy)
                others += far is not None and far.is_enough
    near = sum(one <= NEAR_COPY for one in bits)
    spread = [f"{min(one):.2f} {np.median(one):.2f} {max(one):.2f}" if one else "-" for one in (shares, likeness)]
    return f"| {name} | {len(bits)} | {max(bits)} | {near} | {spread[0]} | {spread[1]} | {found} |", others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("protected", type=Path)
    arguments = parser.parse_args()
    posts, others = read(arguments.photos, arguments.protected), 0
    print(f"within {NEAR_COPY} bits; noise carried at least {LEAST_CARRIED}, alike at least {LEAST_ALIKE}")
    print("| saved again | photos | most bits | near | noise carried (least, median, most) | alike | recognised |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("copy", "original"):
        for name, way in WAYS.items():
            pictures = [np.asarray(way(Image.fromarray(getattr(post, kind)))) for post in posts]
            line, far = row(f"{kind}: {name}", pictures, posts)
            others += far
            print(line, flush=True)
    apart = [differing_bits(a.code, b.code) for n, a in enumerate(posts) for b in posts[:n]]
    within = sum(bits <= NEAR_COPY for bits in apart)
    print(f"pairs of different photos: {len(apart)}; within {NEAR_COPY} bits: {within}; least: {min(apart)} bits")
    print(f"recognised as the copy of another photo: {others}")


if __name__ == "__main__":
    main()
