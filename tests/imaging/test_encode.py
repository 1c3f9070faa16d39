"""Which file a picture becomes, and what that file holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

from unlearnable.errors import OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import LOWEST, UNTOLD, Encoding, KeepMetadata, choose_encoding, encode, through
from unlearnable.imaging.picture import Compression, Picture, only_greys
from unlearnable.settings import PLATFORMS, PlatformName

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa9t\xc3\xa9</x:xmpmeta>'
PNG, WEBP, JPEG, LOSSY_WEBP = Encoding("png"), Encoding("webp"), Encoding("jpeg", 95), Encoding("webp", 90)
FORMATS = [PNG, WEBP, JPEG, LOSSY_WEBP]
PLAIN = Picture(np.zeros((4, 6, 3), np.uint8), None, None, None, "PNG")
SEEN = np.full((4, 6), 9, np.uint8)


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


@pytest.mark.parametrize("encoding", [PNG, WEBP])
def test_lossless_gives_back_every_value(picture: Picture, tmp_path: Path, encoding: Encoding) -> None:
    back = written(picture, tmp_path, encoding)
    np.testing.assert_array_equal(back.pixels, picture.pixels)
    np.testing.assert_array_equal(back.alpha, picture.alpha)
    for height, width in ((33, 57), (1, 1), (1, 57), (33, 2)):
        opaque = replace(picture, alpha=None, pixels=np.ascontiguousarray(picture.pixels[:height, :width]))
        back = written(opaque, tmp_path, encoding)
        np.testing.assert_array_equal(back.pixels, opaque.pixels)
        assert back.alpha is None


@pytest.mark.parametrize("encoding", FORMATS)
def test_which_metadata_is_kept(picture: Picture, tmp_path: Path, encoding: Encoding) -> None:
    none, safe, everything = (written(picture, tmp_path, encoding, keep) for keep in ("none", "safe", "all"))
    assert (none.exif, none.xmp, safe.xmp) == (None, None, None)
    assert safe.exif is not None
    assert b"Acme" in safe.exif
    assert b"SN-12345" not in safe.exif
    assert (everything.exif, everything.xmp) == (picture.exif, XMP)
    long = written(replace(picture, xmp=XMP + b" " * 70_000), tmp_path, encoding, "all")
    assert (long.xmp is None) == (encoding == JPEG)  # whose blocks are short
    assert long.exif == picture.exif


def test_text_chunks_are_not_written(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("progressive", [False, True])
def test_pure_noise_fits_into_the_encoder(tmp_path: Path, progressive: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    picture = Picture(pixels, None, None, None, "PNG")
    assert written(picture, tmp_path, Encoding("jpeg", 100, 0, progressive)).pixels.shape == pixels.shape


@pytest.mark.parametrize("encoding", [*FORMATS, Encoding("jpeg", 85, 2, True)])
def test_a_file_in_memory_holds_what_the_file_does(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: Encoding
) -> None:
    on_disk = written(picture, tmp_path, encoding).pixels
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # as 89 megapixels are to the photos of some phones
    np.testing.assert_array_equal(through(picture, encoding), on_disk)


def test_jpeg_lies_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    alpha = np.full((16, 32), 255, np.uint8)
    alpha[:, 16:] = 0
    back = written(Picture(pixels, alpha, None, None, "PNG"), tmp_path, JPEG)
    assert back.pixels[:, :8].max() <= 3
    assert back.pixels[:, 24:].min() >= 252


def test_a_size_webp_cannot_hold(tmp_path: Path) -> None:
    wide = replace(PLAIN, pixels=np.zeros((1, 16384, 3), np.uint8), file_format="WEBP")
    with pytest.raises(OutputError, match=r"a\.webp"):
        encode(wide, tmp_path / "a.webp", WEBP, keep_metadata="none")
    assert list(tmp_path.iterdir()) == []
    assert choose_encoding(wide, "auto") == PNG


@pytest.mark.parametrize(
    ("encoding", "mode", "with_alpha"), [(PNG, "L", "LA"), (JPEG, "L", "L"), (WEBP, "RGB", "RGBA")]
)
def test_greys_are_written_in_one_channel_where_the_format_has_it(
    tmp_path: Path, encoding: Encoding, mode: str, with_alpha: str
) -> None:
    shades = np.arange(256, dtype=np.uint8).repeat(4).reshape(16, 64)
    alpha = np.arange(256, dtype=np.uint8).repeat(4).reshape(64, 16).T  # every shade of it, also under opaque ones
    path, greys = tmp_path / f"a{encoding.suffix}", np.dstack([shades] * 3)
    tinted = greys.copy()
    tinted[0, 0, 2] += 1
    for pixels, opacity, expected in ((greys, None, mode), (greys, alpha, with_alpha), (tinted, None, "RGB")):
        encode(Picture(pixels, opacity, None, None, "PNG"), path, encoding, keep_metadata="none")
        with Image.open(path) as image:
            assert image.mode == expected
        back = decode(path)
        if encoding.lossless:
            np.testing.assert_array_equal(back.pixels, pixels)
            np.testing.assert_array_equal(back.alpha, opacity)
        elif pixels is greys:
            assert only_greys(back.pixels)


@pytest.mark.parametrize(
    ("kind", "compression", "alpha", "expected"),
    [
        ("JPEG", Compression(91, 1, True), None, Encoding("jpeg", 91, 1, True)),
        ("JPEG", Compression(72), None, Encoding("jpeg", LOWEST, 2)),
        ("MPO", Compression(95), None, Encoding("jpeg", 95, 2)),
        ("HEIF", Compression(None), None, Encoding("jpeg", UNTOLD, 2)),
        ("AVIF", Compression(None), SEEN, PNG),
        ("WEBP", Compression(None), SEEN, Encoding("webp", UNTOLD, 2)),
        ("WEBP", None, None, WEBP),
        ("PNG", None, SEEN, PNG),
        ("TIFF", None, None, PNG),
    ],
)
def test_auto_gives_back_the_kind_of_the_source(
    kind: str, compression: Compression | None, alpha: NDArray[np.uint8] | None, expected: Encoding
) -> None:
    picture = replace(PLAIN, file_format=kind, compression=compression, alpha=alpha)
    assert choose_encoding(picture, "auto") == expected


@pytest.mark.parametrize("compression", [None, Compression(50), Compression(None)])
@pytest.mark.parametrize("wanted", ["png", "webp"])
def test_png_and_webp_are_lossless_when_asked_for(
    compression: Compression | None, wanted: Literal["png", "webp"]
) -> None:
    picture = replace(PLAIN, file_format="WEBP", compression=compression)
    assert choose_encoding(picture, wanted, PLATFORMS["x"]).lossless
    assert choose_encoding(PLAIN, "jpeg") == Encoding("jpeg", 95, 0)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_gets_jpeg_of_its_quality(name: PlatformName) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        chosen = choose_encoding(replace(PLAIN, file_format=kind), "auto", PLATFORMS[name])
        assert chosen == Encoding("jpeg", PLATFORMS[name].quality, 2)
    assert PLATFORMS[name].quality >= LOWEST
