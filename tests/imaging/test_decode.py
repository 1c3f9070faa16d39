from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode, upright
from unlearnable.imaging.opening import register_heif
from unlearnable.imaging.picture import Compression, Picture, quality_of

Photo = NDArray[np.uint8]
Decoded = Callable[..., Picture]
SAVED: list[tuple[str, str, dict[str, Any]]] = [
    ("a.png", "PNG", {}),
    ("a.webp", "WEBP", {"lossless": True}),
    ("a.tif", "TIFF", {}),
    ("a.bmp", "BMP", {}),
    ("a.jpg", "JPEG", {"quality": 100, "subsampling": 0}),
    ("a.avif", "AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ("a.heic", "HEIF", {"quality": 100, "chroma": 444}),
]


@pytest.fixture(autouse=True, scope="module")
def _heif() -> None:
    register_heif()


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG file, chunk by chunk."""
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        data += struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))
    return data


def header(width: int, height: int, depth: int, colour: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0)


@pytest.mark.parametrize(("name", "file_format", "options"), SAVED)
def test_each_format(photo: Photo, decoded: Decoded, name: str, file_format: str, options: dict[str, object]) -> None:
    picture = decoded(Image.fromarray(photo), name, **options)
    assert (picture.file_format, picture.width, picture.height) == (file_format, 64, 40)
    assert (picture.alpha, picture.exif, picture.xmp, picture.lost) == (None, None, None, ())
    exact = file_format in ("PNG", "WEBP", "TIFF", "BMP")
    assert np.abs(picture.pixels.astype(int) - photo).max() <= (0 if exact else 8)


@pytest.mark.parametrize(("name", "options"), [(name, options) for name, kind, options in SAVED if kind != "BMP"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_photos_are_turned_upright(
    photo: Photo, decoded: Decoded, orientation: int, name: str, options: dict[str, object]
) -> None:
    stored = upright(photo, {6: 8}.get(orientation, orientation))  # as a camera stores it: the inverse of the turn
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(Image.fromarray(stored), name, exif=exif.tobytes(), **options)
    assert picture.pixels.shape == photo.shape
    assert np.abs(picture.pixels.astype(int) - photo).max() <= 8
    if picture.exif is not None:
        left = Image.Exif()
        left.load(picture.exif)
        assert left.get(0x0112, 1) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_does(photo: Photo, orientation: int) -> None:
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    expected = Image.fromarray(photo)
    if orientation > 1:
        expected = expected.transpose(Image.Transpose(turns[orientation]))
    np.testing.assert_array_equal(upright(photo, orientation), np.asarray(expected))


def test_alpha_turns_with_the_pixels_and_an_unknown_orientation_is_ignored(photo: Photo, decoded: Decoded) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decoded(Image.fromarray(np.dstack([photo, photo[..., 0]])), "a.png", exif=exif)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, picture.pixels[..., 0])
    exif[0x0112] = 9
    np.testing.assert_array_equal(decoded(Image.fromarray(photo), "a.png", exif=exif).pixels, photo)


def test_16_bit_rgb_png(tmp_path: Path) -> None:
    samples = np.linspace(0, 65535, 3 * 8 * 4).astype(">u2").reshape(4, 8, 3)
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    path = tmp_path / "a.png"
    path.write_bytes(png([header(8, 4, 16, 2), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]))
    picture = decode(path)
    assert picture.lost == ("16 bits reduced to 8",)
    assert np.abs(picture.pixels.astype(float) - samples / 257).max() <= 1


def test_heif_of_more_bits_says_so(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    wide = (photo.astype(np.uint16) * 257).astype("<u2")
    pillow_heif.from_bytes("RGB;16", (64, 40), wide.tobytes()).save(path, quality=100, chroma=444)
    picture = decode(path)
    assert picture.lost in [(f"{depth} bits reduced to 8",) for depth in (10, 12)]
    assert np.abs(picture.pixels.astype(int) - photo).max() <= 8


def test_an_avif_that_names_a_wider_brand_first(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.fromarray(photo).save(path)
    plain = path.read_bytes()
    brands = plain[16:32].replace(b"mif1", b"avif")
    path.write_bytes(plain[:8] + b"mif1" + plain[12:16] + brands + plain[32:])
    assert decode(path).file_format == "AVIF"


def test_animations_give_their_first_frame(photo: Photo, decoded: Decoded) -> None:
    frames = [Image.fromarray(np.roll(photo, shift, axis=1)) for shift in (9, 18)]
    for name, options in (("a.png", {}), ("a.webp", {"lossless": True}), ("a.tif", {}), ("a.mpo", {"quality": 100})):
        picture = decoded(Image.fromarray(photo), name, save_all=True, append_images=frames, **options)
        assert np.abs(picture.pixels.astype(int) - photo).max() <= (12 if name == "a.mpo" else 0)
        assert picture.lost == ("only the main frame kept",)
    gif = decoded(Image.fromarray(photo).quantize(64), "a.gif", save_all=True, append_images=frames[:1])
    assert gif.lost == ("only the main frame kept", "palette not kept")


def test_the_main_picture_of_a_heif_file_is_taken(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    heif = pillow_heif.HeifFile()
    for image in (Image.fromarray(photo), Image.fromarray(photo[:20])):
        heif.add_from_pillow(image)
    heif.save(path, primary_index=1)
    picture = decode(path)
    assert (picture.height, picture.lost) == (20, ("only the main frame kept",))


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.jpg", {"quality": 91, "subsampling": 1}, Compression(91, 1, False)),
        ("a.jpg", {"quality": 60, "subsampling": 0, "progressive": True}, Compression(60, 0, True)),
        ("a.jpg", {"quality": 75}, Compression(75, 2, False)),
        ("a.webp", {"quality": 80}, Compression(None)),
        ("a.webp", {"lossless": True}, None),
        (
            "a.webp",
            {"quality": 80, "icc_profile": b"x" * 99},
            Compression(None),
        ),  # an extended file: other chunks first
        ("a.webp", {"lossless": True, "icc_profile": b"x" * 98}, None),
        ("a.webp", {"save_all": True, "append_images": [Image.new("RGB", (64, 40))]}, Compression(None)),
        ("a.avif", {}, Compression(None)),
        ("a.heic", {}, Compression(None)),
        ("a.png", {}, None),
    ],
)
def test_how_a_source_was_compressed(
    photo: Photo, decoded: Decoded, name: str, options: dict[str, Any], expected: Compression | None
) -> None:
    assert decoded(Image.fromarray(photo), name, **options).compression == expected


def test_grey_jpegs_are_compressed_as_cameras_do(photo: Photo, decoded: Decoded) -> None:
    assert decoded(Image.fromarray(photo).convert("L"), "a.jpg", quality=90).compression == Compression(90)


def test_the_quality_of_a_jpeg_is_read_from_its_table(tmp_path: Path) -> None:
    for quality in range(1, 101):
        Image.new("RGB", (16, 16)).save(tmp_path / "a.jpg", quality=quality)
        with Image.open(tmp_path / "a.jpg") as image:
            assert quality_of(image.quantization[0]) == quality  # type: ignore[attr-defined]
    assert quality_of([1] * 64) == 100
    assert quality_of([255] * 64) == 1
    assert 88 <= quality_of([2 + n // 8 for n in range(64)]) <= 97


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("name", "options"),
    [(name, options) for name, _, options in SAVED] + [("a.gif", {}), ("p.jpg", {"progressive": True})],
)
def test_part_of_a_file_is_never_part_of_a_picture(
    tmp_path: Path, name: str, options: dict[str, Any], share: float
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    path = tmp_path / name
    Image.fromarray(noise).save(path, **options)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(DecodeError) as caught:
        decode(path)
    assert caught.value.reason in ("truncated", "unreadable")


def test_a_heif_file_of_tiles_is_never_half_a_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    path = tmp_path / "a.heic"
    pillow_heif.from_pillow(Image.fromarray(noise)).save(path, tile_size=64)
    whole = path.read_bytes()
    for trailer in (b"", b"maker's own trailer \xff\xff\xff\xff"):
        path.write_bytes(whole + trailer)
        assert decode(path).lost == ()
    for share in (0.3, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DecodeError, match="truncated"):
            decode(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear diary, this is not a photo.", "not-an-image"),
        (b"\xff\xd8\xff\xe0", "unreadable"),
        (b"\x89PNG\r\n\x1a\n", "unreadable"),
        (b"8BPS\0\1", "not-an-image"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not-an-image"),
        (png([header(50000, 50000, 8, 2), (b"IDAT", b""), (b"IEND", b"")]), "too-large"),
        (png([header(20000, 10001, 8, 2), (b"IDAT", b""), (b"IEND", b"")]), "too-large"),
        (png([header(20000, 9999, 8, 2), (b"IDAT", b""), (b"IEND", b"")]), "truncated"),
        (b"GIF89a\x60\xea\x60\xea\0\0\0" + b",\0\0\0\0\x60\xea\x60\xea\0\2\0;", "too-large"),
    ],
)
def test_what_is_not_a_picture(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(DecodeError) as caught:
        decode(path)
    assert caught.value.reason == reason
    assert caught.value.detail
    assert isinstance(caught.value, InputError)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(DecodeError, match="unreadable"):
            decode(path)


def test_pillow_is_left_as_it_was_and_its_switches_hide_no_truncation(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    filters = list(warnings.filters)
    path = tmp_path / "a.jpg"
    Image.fromarray(photo).save(path)
    decode(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DecodeError, match="truncated"):
        decode(path)
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (100, True)
    assert warnings.filters == filters


def test_threads_take_turns(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(photo).save(path)
    before, same = Image.MAX_IMAGE_PIXELS, []
    threads = [threading.Thread(target=lambda: same.append((decode(path).pixels == photo).all())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 8
    assert before == Image.MAX_IMAGE_PIXELS
