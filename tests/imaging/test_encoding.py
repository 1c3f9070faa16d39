"""How a source was compressed, and which file its copy becomes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from tests.imaging.conftest import Decoded
from unlearnable.imaging.encode import LOWEST, UNTOLD, Encoding, choose_encoding, encode
from unlearnable.imaging.picture import Compression, Picture, quality_of
from unlearnable.settings import PLATFORMS

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PLAIN = Picture(np.zeros((4, 6, 3), np.uint8), None, None, None, "PNG")
SEEN = np.full((4, 6), 9, np.uint8)


@pytest.fixture(autouse=True, scope="module")
def _heif() -> None:
    pillow_heif.register_heif_opener()


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_quality_of_a_jpeg_is_read_from_its_table(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        table = image.quantization[0]  # type: ignore[attr-defined]
    assert quality_of(table) == quality


def test_the_quality_of_a_table_of_no_standard_is_that_of_the_nearest() -> None:
    assert quality_of([1] * 64) == 100
    assert quality_of([255] * 64) == 1
    assert 88 <= quality_of([2 + n // 8 for n in range(64)]) <= 97


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.jpg", {"quality": 91, "subsampling": 1}, Compression(91, 1, False)),
        ("a.jpg", {"quality": 60, "subsampling": 0, "progressive": True}, Compression(60, 0, True)),
        ("a.jpg", {"quality": 75}, Compression(75, 2, False)),
        ("a.webp", {"quality": 80}, Compression(None)),
        ("a.webp", {"lossless": True}, None),
        ("a.webp", {"quality": 80, "icc_profile": PROFILE}, Compression(None)),  # an extended file: other chunks first
        ("a.webp", {"quality": 80, "icc_profile": PROFILE + b"\0"}, Compression(None)),  # one of an odd length
        ("a.webp", {"lossless": True, "icc_profile": PROFILE}, None),
        ("a.avif", {}, Compression(None)),
        ("a.heic", {}, Compression(None)),
        ("a.png", {}, None),
        ("a.tif", {}, None),
        ("a.gif", {}, None),
    ],
)
def test_how_a_source_was_compressed(
    photo: NDArray[np.uint8], decoded: Decoded, name: str, options: dict[str, Any], expected: Compression | None
) -> None:
    assert decoded(Image.fromarray(photo), name, **options).compression == expected


@pytest.mark.parametrize("lossless", [True, False])
def test_an_animated_webp_is_told_by_its_first_frame(
    photo: NDArray[np.uint8], decoded: Decoded, lossless: bool
) -> None:
    frames = [Image.fromarray(photo), Image.fromarray(photo[::-1])]
    picture = decoded(frames[0], "a.webp", save_all=True, append_images=frames[1:], lossless=lossless)
    assert (picture.compression is None) == lossless


def test_grey_jpegs_are_written_as_cameras_do(photo: NDArray[np.uint8], decoded: Decoded) -> None:
    assert decoded(Image.fromarray(photo).convert("L"), "a.jpg", quality=90).compression == Compression(90)


@pytest.mark.parametrize(
    ("kind", "compression", "alpha", "expected"),
    [
        ("JPEG", Compression(91, 1, True), None, Encoding("jpeg", 91, 1, True)),
        ("JPEG", Compression(72), None, Encoding("jpeg", LOWEST, 2)),
        ("MPO", Compression(95), None, Encoding("jpeg", 95, 2)),
        ("HEIF", Compression(None), None, Encoding("jpeg", UNTOLD, 2)),
        ("AVIF", Compression(None), None, Encoding("jpeg", UNTOLD, 2)),
        ("AVIF", Compression(None), SEEN, Encoding("png")),
        ("WEBP", Compression(None), SEEN, Encoding("webp", UNTOLD, 2)),
        ("WEBP", None, None, Encoding("webp")),
        ("PNG", None, SEEN, Encoding("png")),
        ("TIFF", None, None, Encoding("png")),
    ],
)
def test_auto_gives_back_the_kind_of_the_source(
    kind: str, compression: Compression | None, alpha: NDArray[np.uint8] | None, expected: Encoding
) -> None:
    picture = replace(PLAIN, file_format=kind, compression=compression, alpha=alpha)
    assert choose_encoding(picture, "auto") == expected


def test_a_size_webp_cannot_hold_becomes_png() -> None:
    wide = replace(PLAIN, pixels=np.zeros((1, 16384, 3), np.uint8), file_format="WEBP")
    assert choose_encoding(wide, "auto") == Encoding("png")


@pytest.mark.parametrize("compression", [None, Compression(50), Compression(None)])
@pytest.mark.parametrize("wanted", ["png", "webp"])
def test_png_and_webp_are_lossless_whatever_else_is_asked(
    compression: Compression | None, wanted: Literal["png", "webp"]
) -> None:
    picture = replace(PLAIN, file_format="WEBP", compression=compression)
    assert choose_encoding(picture, wanted, PLATFORMS["x"]).lossless


def test_a_jpeg_of_a_lossless_source_has_quality_95() -> None:
    assert choose_encoding(PLAIN, "jpeg") == Encoding("jpeg", 95, 0)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_gets_jpeg_of_its_quality(name: Literal["x"]) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        chosen = choose_encoding(replace(PLAIN, file_format=kind), "auto", platform=PLATFORMS[name])
        assert chosen == Encoding("jpeg", PLATFORMS[name].quality, 2)
    assert PLATFORMS[name].quality >= LOWEST


def test_a_copy_of_a_copy_has_the_same_encoding(tmp_path: Path, photo: NDArray[np.uint8], decoded: Decoded) -> None:
    first = decoded(Image.fromarray(photo), "a.jpg", quality=88, subsampling=1, progressive=True)
    encoding = choose_encoding(first, "auto")
    encode(first, tmp_path / "b.jpg", encoding, keep_metadata="none")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info.get("progressive")
        assert quality_of(image.quantization[0]) == 88  # type: ignore[attr-defined]
