"""Photos that ask for too much are refused by their header, or on trial, in a process that is stopped."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlearnable.imaging import opening
from unlearnable.imaging.decode import DecodeError, decode


@pytest.fixture(autouse=True)
def fresh():
    opening._pass_trial.cache_clear()


def extended_webp(width: int, height: int) -> bytes:
    body = (
        b"WEBPVP8X" + struct.pack("<LL", 10, 2) + struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    )
    return b"RIFF" + struct.pack("<L", len(body)) + body


def tiff(width: int, height: int, rows: int) -> bytes:
    """One colour, in strips that hold all the same few compressed bytes."""
    strip = zlib.compress(bytes(3 * width * rows), 9)
    strips = -(-height // rows)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 2), (277, 3, 1, 3),
        (278, 4, 1, rows),
    ]  # fmt: skip
    table = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries += [(273, 4, strips, table), (279, 4, strips, table + 4 * strips)]
    data = table + 8 * strips
    content = b"II*\0" + struct.pack("<LH", 8, len(entries))
    content += b"".join(struct.pack("<HHLL", *entry) for entry in sorted(entries)) + b"\0" * 4
    return (
        content
        + struct.pack(f"<{strips}L", *[data] * strips)
        + struct.pack(f"<{strips}L", *[len(strip)] * strips)
        + strip
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("long.webp", extended_webp(32, 4_800_000), "side"),
        ("wide.webp", extended_webp(60_000, 60), "as long as wide"),
        ("large.webp", extended_webp(60_000, 60_000), "megapixels"),
        ("strip.tif", tiff(70_000, 30, 30), "side"),
    ],
)
def test_a_header_is_enough_to_refuse(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DecodeError, match=words) as caught:
        decode(tmp_path / name)
    assert caught.value.reason == "too-large"


@pytest.mark.parametrize(
    ("width", "height"),
    [(20_000, 10_000), (65_535, 3_000), (16_000, 4_000), (90, 9_000), (8_192, 1)],  # large, panoramas, strips
)
def test_large_and_long_photos_are_not_refused(width, height):
    opening._refuse_excess(width, height)
    opening._refuse_excess(height, width)


def workers_run(line: str, folder: Path, monkeypatch) -> None:
    """Have workers that start from now on run a line first."""
    (folder / "sitecustomize.py").write_text(f"from unlearnable.imaging import opening\n{line}\n")
    monkeypatch.syspath_prepend(folder)


def test_a_photo_that_takes_too_long_is_stopped_and_the_next_one_is_tried(tmp_path, monkeypatch):
    (tmp_path / "slow.tif").write_bytes(tiff(14_000, 14_000, 100))
    Image.fromarray(np.full((30, 40, 3), 7, np.uint8)).save(tmp_path / "good.tif")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "json.py").write_text("raise SystemExit(3)")  # no module of the current folder is run
    monkeypatch.chdir(tmp_path / "here")
    workers_run("opening.SECONDS = 0.01", tmp_path, monkeypatch)
    with pytest.raises(DecodeError, match="more time or memory") as caught:
        decode(tmp_path / "slow.tif")
    assert caught.value.reason == "too-large"
    (tmp_path / "sitecustomize.py").unlink()
    assert decode(tmp_path / "good.tif").pixels.shape == (30, 40, 3)


def test_ordinary_photos_start_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_pass_trial", lambda path, *_: pytest.fail(f"{path} was tried"))
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    flat = np.full((2000, 2100, 3), 200, np.uint8)
    kinds = dict.fromkeys(("a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.avif"), noise)
    for name, pixels in {**kinds, "flat.jpg": flat, "flat.bmp": flat}.items():
        Image.fromarray(pixels).save(tmp_path / name)
        decode(tmp_path / name)
    Image.fromarray(noise).save(tmp_path / "progressive.jpg", progressive=True)
    decode(tmp_path / "progressive.jpg")


def test_a_jpeg_of_many_scans_is_tried(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(opening, "_pass_trial", lambda path, *_: tried.append(path.name))
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "scans.jpg")
    content = (tmp_path / "scans.jpg").read_bytes()
    start = content.index(b"\xff\xda")
    (tmp_path / "scans.jpg").write_bytes(content[:start] + content[start:-2] * 100 + content[-2:])
    with suppress(DecodeError):
        decode(tmp_path / "scans.jpg")
    assert tried == ["scans.jpg"]
