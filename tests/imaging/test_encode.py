from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from unlearnable.errors import OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import Encoding, KeepMetadata, encode, through
from unlearnable.imaging.picture import Compression, Picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa9t\xc3\xa9</x:xmpmeta>'
PNG, WEBP, JPEG, LOSSY_WEBP = Encoding("png"), Encoding("webp"), Encoding("jpeg", 95), Encoding("webp", 90)
LOSSLESS = [PNG, WEBP]
FORMATS = [PNG, WEBP, JPEG, LOSSY_WEBP]


@pytest.fixture
def picture() -> Picture:
    exif = Image.Exif()
    exif[Base.Make] = "Acme"
    exif[Base.Orientation] = 1
    exif.get_ifd(IFD.Exif)[Base.BodySerialNumber] = "SN-12345"
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (33, 57, 3), dtype=np.uint8)
    alpha = random.choice(np.array([0, 0, 128, 255], np.uint8), (33, 57))
    return Picture(pixels, alpha, exif.tobytes(), XMP, "PNG")


def written(picture: Picture, folder: Path, encoding: Encoding, keep: KeepMetadata = "safe") -> Picture:
    path = folder / f"a{encoding.suffix}"
    encode(picture, path, encoding, keep_metadata=keep)
    return decode(path)


@pytest.mark.parametrize("encoding", LOSSLESS)
def test_lossless_gives_back_every_value(picture: Picture, tmp_path: Path, encoding: Encoding) -> None:
    back = written(picture, tmp_path, encoding)
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    np.testing.assert_array_equal(back.alpha, picture.alpha)
    opaque = written(replace(picture, alpha=None), tmp_path, encoding)
    np.testing.assert_array_equal(opaque.pixels, picture.pixels)
    assert opaque.alpha is None


@pytest.mark.parametrize("encoding", LOSSLESS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (257, 2)])
def test_odd_sizes(tmp_path: Path, encoding: Encoding, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    back = written(Picture(pixels, None, None, None, "PNG"), tmp_path, encoding)
    np.testing.assert_array_equal(back.pixels, pixels)


@pytest.mark.parametrize("encoding", FORMATS)
def test_what_is_kept(picture: Picture, tmp_path: Path, encoding: Encoding) -> None:
    none, safe, everything = (written(picture, tmp_path, encoding, keep) for keep in ("none", "safe", "all"))
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
    encode(decode(source), tmp_path / "a.png", PNG, keep_metadata="all")
    assert b"secret" not in (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_as_the_encoding_says(
    tmp_path: Path, photo: NDArray[np.uint8], subsampling: int, progressive: bool
) -> None:
    picture = Picture(photo, None, None, None, "PNG")
    sizes = []
    for quality in (50, 100):
        path = tmp_path / f"{quality}.jpg"
        encode(picture, path, Encoding("jpeg", quality, subsampling, progressive), keep_metadata="none")
        sizes.append(path.stat().st_size)
        assert decode(path).compression == Compression(quality, subsampling, progressive)
    assert sizes[0] < sizes[1]
    assert np.abs(decode(path).pixels.astype(int) - photo).max() <= (4 if subsampling == 0 else 12)


@pytest.mark.parametrize("quality", [90, 94, 100])
@pytest.mark.parametrize("progressive", [False, True])
def test_pure_noise_fits_into_the_encoder(tmp_path: Path, quality: int, progressive: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    picture = Picture(pixels, None, None, None, "PNG")
    assert written(picture, tmp_path, Encoding("jpeg", quality, 0, progressive)).pixels.shape == pixels.shape


@pytest.mark.parametrize("encoding", [*FORMATS, Encoding("jpeg", 85, 2, True)])
def test_through_a_file_is_what_the_file_holds(picture: Picture, tmp_path: Path, encoding: Encoding) -> None:
    np.testing.assert_array_equal(through(picture, encoding), written(picture, tmp_path, encoding).pixels)


def test_a_file_in_memory_may_be_as_large_as_a_photo(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # as 89 megapixels are to the photos of some phones
    assert through(picture, Encoding("jpeg", 90)).shape == picture.pixels.shape
    assert Image.MAX_IMAGE_PIXELS == 100


def test_jpeg_lies_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    alpha = np.full((16, 32), 255, np.uint8)
    alpha[:, 16:] = 0
    back = written(Picture(pixels, alpha, None, None, "PNG"), tmp_path, JPEG)
    assert back.pixels[:, :8].max() <= 3
    assert back.pixels[:, 24:].min() >= 252


def test_blocks_too_long_for_jpeg_are_left_out(picture: Picture, tmp_path: Path) -> None:
    back = written(replace(picture, xmp=XMP + b" " * 70_000), tmp_path, JPEG, "all")
    assert back.xmp is None
    assert back.exif == picture.exif


@pytest.mark.parametrize("encoding", [PNG, WEBP])
def test_blocks_too_long_for_jpeg_stay_in_other_files(picture: Picture, tmp_path: Path, encoding: Encoding) -> None:
    long = XMP + b" " * 70_000
    assert written(replace(picture, xmp=long), tmp_path, encoding, "all").xmp == long


def test_a_size_webp_cannot_hold(tmp_path: Path) -> None:
    wide = Picture(np.zeros((1, 16384, 3), np.uint8), None, None, None, "WEBP")
    with pytest.raises(OutputError, match=r"a\.webp"):
        encode(wide, tmp_path / "a.webp", WEBP, keep_metadata="none")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="the disk is full"):
        encode(picture, path, PNG, keep_metadata="none")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
