from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base
from PIL.JpegImagePlugin import JpegImageFile

from unlearnable.errors import OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import FileFormat, KeepMetadata, choose_format, encode, suffix_of
from unlearnable.imaging.picture import Picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa9t\xc3\xa9</x:xmpmeta>'
LOSSLESS: list[FileFormat] = ["png", "webp"]
FORMATS: list[FileFormat] = ["png", "webp", "jpeg"]


@pytest.fixture
def picture() -> Picture:
    exif = Image.Exif()
    exif[Base.Make] = "Acme"
    exif[Base.Orientation] = 1
    exif.get_ifd(IFD.Exif)[Base.BodySerialNumber] = "SN-12345"
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (33, 57, 3), dtype=np.uint8)
    alpha = random.choice(np.array([0, 0, 128, 255], np.uint8), (33, 57))
    return Picture(pixels, alpha, SRGB, exif.tobytes(), XMP, "PNG", 8)


def written(picture: Picture, folder: Path, file_format: FileFormat, keep: KeepMetadata = "safe") -> Picture:
    path = folder / f"a{suffix_of(file_format)}"
    encode(picture, path, file_format, quality=95, keep_metadata=keep)
    return decode(path)


@pytest.mark.parametrize("file_format", LOSSLESS)
def test_lossless_gives_back_every_value(picture: Picture, tmp_path: Path, file_format: FileFormat) -> None:
    back = written(picture, tmp_path, file_format)
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    np.testing.assert_array_equal(back.alpha, picture.alpha)
    opaque = written(replace(picture, alpha=None), tmp_path, file_format)
    np.testing.assert_array_equal(opaque.pixels, picture.pixels)
    assert opaque.alpha is None


@pytest.mark.parametrize("file_format", LOSSLESS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (257, 2)])
def test_odd_sizes(tmp_path: Path, file_format: FileFormat, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    back = written(Picture(pixels, None, None, None, None, "PNG", 8), tmp_path, file_format)
    np.testing.assert_array_equal(back.pixels, pixels)


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_is_kept(picture: Picture, tmp_path: Path, file_format: FileFormat) -> None:
    none, safe, everything = (written(picture, tmp_path, file_format, keep) for keep in ("none", "safe", "all"))
    assert none.icc == safe.icc == everything.icc == SRGB
    assert (none.exif, none.xmp, safe.xmp) == (None, None, None)
    assert safe.exif is not None
    assert b"Acme" in safe.exif
    assert b"SN-12345" not in safe.exif
    assert everything.exif == picture.exif
    assert everything.xmp == XMP


def test_text_chunks_stay_behind(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("parameters", "a secret prompt")
    source = tmp_path / "source.png"
    Image.new("RGB", (4, 4)).save(source, pnginfo=chunks)
    encode(decode(source), tmp_path / "a.png", "png", quality=95, keep_metadata="all")
    assert b"secret" not in (tmp_path / "a.png").read_bytes()


def test_jpeg_is_full_colour_and_follows_quality(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    picture = Picture(photo, None, None, None, None, "PNG", 8)
    sizes = []
    for quality in (50, 100):
        path = tmp_path / f"{quality}.jpg"
        encode(picture, path, "jpeg", quality=quality, keep_metadata="none")
        sizes.append(path.stat().st_size)
        with Image.open(path) as image:
            assert isinstance(image, JpegImageFile)
            assert {(h, v) for _, h, v, _ in image.layer} == {(1, 1)}
    assert sizes[0] < sizes[1]
    assert np.abs(decode(path).pixels.astype(int) - photo).max() <= 4


def test_jpeg_lies_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    alpha = np.full((16, 32), 255, np.uint8)
    alpha[:, 16:] = 0
    back = written(Picture(pixels, alpha, None, None, None, "PNG", 8), tmp_path, "jpeg")
    assert back.pixels[:, :8].max() <= 3
    assert back.pixels[:, 24:].min() >= 252


def test_blocks_too_long_for_jpeg_are_left_out(picture: Picture, tmp_path: Path) -> None:
    back = written(replace(picture, xmp=XMP + b" " * 70_000), tmp_path, "jpeg", "all")
    assert back.xmp is None
    assert back.exif == picture.exif


def test_a_size_webp_cannot_hold(tmp_path: Path) -> None:
    wide = Picture(np.zeros((1, 16384, 3), np.uint8), None, None, None, None, "WEBP", 8)
    assert choose_format(wide, "auto") == "png"
    with pytest.raises(OutputError):
        encode(wide, tmp_path / "a.webp", "webp", quality=95, keep_metadata="none")
    assert list(tmp_path.iterdir()) == []


def test_choose_format(picture: Picture) -> None:
    assert choose_format(picture, "auto") == "png"
    assert choose_format(replace(picture, file_format="WEBP"), "auto") == "webp"
    assert choose_format(replace(picture, file_format="JPEG"), "auto") == "png"
    for wanted in FORMATS:
        assert choose_format(picture, wanted) == wanted
    assert [suffix_of(file_format) for file_format in FORMATS] == [".png", ".webp", ".jpg"]


def test_a_failure_leaves_the_old_file(picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="No space left"):
        encode(picture, path, "png", quality=95, keep_metadata="none")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
