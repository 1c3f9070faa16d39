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
from unlearnable.imaging.picture import Picture

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
    pillow_heif.register_heif_opener()


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
    assert np.abs(picture.pixels.astype(int) - photo).max() <= (
        0 if file_format in ("PNG", "WEBP", "TIFF", "BMP") else 8
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("name", "options"), [(name, options) for name, kind, options in SAVED if kind != "BMP"])
def test_orientation(photo: Photo, decoded: Decoded, orientation: int, name: str, options: dict[str, object]) -> None:
    # How a camera stores it: the inverse of the turn; 6 and 8 are each other's, the rest their own.
    stored = upright(photo, {6: 8, 8: 6}.get(orientation, orientation))
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


def test_orientation_outside_its_range_is_ignored(photo: Photo, decoded: Decoded) -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    np.testing.assert_array_equal(decoded(Image.fromarray(photo), "a.png", exif=exif).pixels, photo)


def test_alpha_turns_with_the_pixels(photo: Photo, decoded: Decoded) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    rgba = np.dstack([photo, photo[..., 0]])
    picture = decoded(Image.fromarray(rgba), "a.png", exif=exif)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, picture.pixels[..., 0])


def test_16_bit_rgb_png(tmp_path: Path) -> None:
    samples = np.linspace(0, 65535, 3 * 8 * 4).astype(">u2").reshape(4, 8, 3)
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    path = tmp_path / "a.png"
    path.write_bytes(png([header(8, 4, 16, 2), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]))
    picture = decode(path)
    assert picture.lost == ("16 bits reduced to 8",)
    assert np.abs(picture.pixels.astype(float) - samples / 257).max() <= 1


@pytest.mark.parametrize(
    ("depth", "colour", "row", "clear"),
    [
        (2, 0, "c6", (3,)),  # 3 0 1 2
        (4, 0, "9012", (9,)),
        (16, 0, "1234 0000 1235 ffff", (0x1234,)),
        (16, 2, "123456789abc" + 18 * "00", (0x1234, 0x5678, 0x9ABC)),
    ],
)
def test_the_transparent_colour_of_a_png_is_in_its_own_depth(
    tmp_path: Path, depth: int, colour: int, row: str, clear: tuple[int, ...]
) -> None:
    chunks = [header(4, 1, depth, colour), (b"tRNS", struct.pack(f">{len(clear)}H", *clear))]
    path = tmp_path / "a.png"
    path.write_bytes(png([*chunks, (b"IDAT", zlib.compress(b"\0" + bytes.fromhex(row))), (b"IEND", b"")]))
    np.testing.assert_array_equal(decode(path).alpha, [[0, 255, 255, 255]])


def test_ten_bit_heif_and_avif_say_so(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    wide = (photo.astype(np.uint16) * 257).astype("<u2")
    heif = pillow_heif.from_bytes("RGB;16", (64, 40), wide.tobytes())
    heif.save(path, quality=100, chroma=444)
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


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_the_subsampling_of_a_cmyk_jpeg_is_known(photo: Photo, decoded: Decoded, subsampling: int) -> None:
    picture = decoded(Image.fromarray(photo).convert("CMYK"), "a.jpg", subsampling=subsampling)
    assert picture.compression is not None
    assert picture.compression.subsampling == subsampling


@pytest.mark.parametrize(("kind", "grey"), [(1, [0, 64, 128, 255]), (2, [170, 255, 0, 170])])
def test_a_tiff_of_large_numbers_with_and_without_sign(tmp_path: Path, kind: int, grey: list[int]) -> None:
    values = np.array([0, 2**30, 2**31 + 5, 2**32 - 1], "<u4").tobytes()
    entries = [(256, 4), (257, 1), (258, 32), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 16), (339, kind)]
    table = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in entries)
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + struct.pack("<L", 24) + values + struct.pack("<H", 10) + table + bytes(4))
    assert decode(path).pixels[0, :, 0].tolist() == grey


def test_animations_give_their_first_frame(photo: Photo, decoded: Decoded) -> None:
    frames = [Image.fromarray(np.roll(photo, shift, axis=1)) for shift in (9, 18)]
    for name, options in (("a.png", {}), ("a.webp", {"lossless": True}), ("a.tif", {})):
        picture = decoded(Image.fromarray(photo), name, save_all=True, append_images=frames, **options)
        np.testing.assert_array_equal(picture.pixels, photo)
        assert picture.lost == ("frames 2-3 of 3 dropped",)
    picture = decoded(Image.fromarray(photo).quantize(64), "a.gif", save_all=True, append_images=frames[:1])
    assert picture.lost == ("frame 2 of 2 dropped", "palette not kept")
    assert picture.pixels.shape == photo.shape


def test_more_frames_than_anybody_posts_are_refused(
    photo: Photo, decoded: Decoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearnable.imaging.decode.MAX_FRAMES", 1)
    frames = [Image.fromarray(photo[::-1])]
    with pytest.raises(DecodeError, match="too-large: 2 frames, more than 1"):
        decoded(Image.fromarray(photo), "a.gif", save_all=True, append_images=frames)


def test_a_transparent_colour_of_8_bits_is_taken_as_it_is(photo: Photo, decoded: Decoded) -> None:
    colour = tuple(map(int, photo[3, 5]))
    picture = decoded(Image.fromarray(photo), "a.png", transparency=colour)
    np.testing.assert_array_equal(picture.alpha == 0, (photo == photo[3, 5]).all(axis=2))


def test_mpo_is_a_jpeg_with_more_pictures(photo: Photo, decoded: Decoded) -> None:
    image = Image.fromarray(photo)
    picture = decoded(image, "a.mpo", save_all=True, append_images=[image], quality=100)
    assert (picture.file_format, picture.lost) == ("MPO", ("frame 2 of 2 dropped",))


def test_a_heif_file_s_main_picture_is_taken(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    heif = pillow_heif.HeifFile()
    for image in (Image.fromarray(photo), Image.fromarray(photo[:20])):
        heif.add_from_pillow(image)
    heif.save(path, primary_index=1)
    picture = decode(path)
    assert (picture.height, picture.lost) == (20, ("frame 2 of 2 kept, the others dropped",))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
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
    heif = pillow_heif.from_pillow(Image.fromarray(noise))
    heif.save(path, tile_size=64)
    whole = path.read_bytes()
    assert decode(path).lost == ()
    path.write_bytes(whole + b"maker's own trailer \xff\xff\xff\xff")
    assert decode(path).lost == ()
    for share in (0.3, 0.6, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DecodeError, match="truncated"):
            decode(path)


def test_a_truncated_jpeg_or_png_is_called_so(photo: Photo, tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png"):
        path = tmp_path / name
        Image.fromarray(photo).save(path)
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(DecodeError, match="truncated"):
            decode(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear diary, this is not a photo.", "not-an-image"),
        (b"\xff\xd8\xff\xe0", "unreadable"),
        (b"\x89PNG\r\n\x1a\n", "unreadable"),
        (b"8BPS\0\1", "unsupported"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "unsupported"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "unsupported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not-an-image"),
        (png([header(50000, 50000, 8, 2), (b"IDAT", b""), (b"IEND", b"")]), "too-large"),
        (png([header(20000, 10001, 8, 2), (b"IDAT", b""), (b"IEND", b"")]), "too-large"),
        (png([header(20000, 9999, 8, 2), (b"IDAT", b""), (b"IEND", b"")]), "truncated"),
        (b"GIF89a\x60\xea\x60\xea\0\0\0" + b",\0\0\0\0\x60\xea\x60\xea\0\2\0;", "too-large"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, content: bytes, reason: str) -> None:
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


def test_random_damage_gives_a_picture_or_a_decode_error(photo: Photo, tmp_path: Path) -> None:
    random, reasons = np.random.default_rng(1), set()
    for name, _, options in SAVED:
        path = tmp_path / name
        Image.fromarray(photo).save(path, **options)
        sound = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(30):
            damaged = sound.copy()
            places = random.integers(0, len(sound), 4)
            damaged[places] = random.integers(0, 256, 4)
            path.write_bytes(damaged.tobytes())
            try:
                assert decode(path).pixels.dtype == np.uint8
            except DecodeError as error:
                reasons.add(error.reason)
    assert reasons <= {"not-an-image", "truncated", "too-large", "unreadable"}


def test_pillow_is_left_as_it_was(photo: Photo, decoded: Decoded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    filters = list(warnings.filters)
    decoded(Image.fromarray(photo), "a.png")
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES) == (100, True)
    assert warnings.filters == filters


def test_truncation_is_seen_whatever_pillow_was_told(
    photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = tmp_path / "a.jpg"
    Image.fromarray(photo).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DecodeError, match="truncated"):
        decode(path)


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
