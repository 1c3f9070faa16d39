from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from unlearnable.errors import InputError
from unlearnable.imaging.decode import DecodeError, decode, quality_of, upright
from unlearnable.imaging.picture import Compression, Picture

Photo = NDArray[np.uint8]
Decoded = Callable[..., Picture]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SAVED: list[tuple[str, str, dict[str, Any]]] = [
    ("a.png", "PNG", {}),
    ("a.webp", "WEBP", {"lossless": True}),
    ("a.tif", "TIFF", {}),
    ("a.bmp", "BMP", {}),
    ("a.jpg", "JPEG", {"quality": 100, "subsampling": 0}),
    ("a.avif", "AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ("a.heic", "HEIF", {"quality": 100, "chroma": 444}),
]


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
@pytest.mark.parametrize("orientation", [3, 6, 7])
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
    assert gif.lost == ("only the main frame kept",)


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


# Colours and transparency


def grey(picture: Picture) -> Photo:
    """The one channel of a picture whose three must be equal."""
    assert (picture.pixels == picture.pixels[..., :1]).all()
    return picture.pixels[..., 0]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_greys_of_8_and_16_bits(photo: Photo, decoded: Decoded, name: str) -> None:
    picture = decoded(Image.fromarray(photo[..., 0]), name)
    np.testing.assert_array_equal(grey(picture), photo[..., 0])
    assert picture.lost == ()
    values = np.linspace(0, 65535, 2000).astype(np.uint16).reshape(40, 50)
    picture = decoded(Image.fromarray(values), name)
    assert picture.lost == ("16 bits reduced to 8",)
    assert np.abs(grey(picture) - values / 257).max() <= 0.51


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_32_bits_a_channel_are_refused(decoded: Decoded, kind: type) -> None:
    with pytest.raises(DecodeError, match="unsupported"):
        decoded(Image.fromarray(np.zeros((2, 3), kind)), "a.tif")


def test_alpha_of_greys_and_colours_also_under_full_transparency(photo: Photo, decoded: Decoded) -> None:
    picture = decoded(Image.fromarray(photo[..., :2]), "a.png")
    np.testing.assert_array_equal(grey(picture), photo[..., 0])
    np.testing.assert_array_equal(picture.alpha, photo[..., 1])
    alpha = np.where(photo[..., 0] > 128, 255, 0).astype(np.uint8)
    picture = decoded(Image.fromarray(np.dstack([photo, alpha])), "a.png")
    np.testing.assert_array_equal(picture.pixels, photo)
    np.testing.assert_array_equal(picture.alpha, alpha)
    opaque = decoded(Image.fromarray(photo).convert("RGBA"), "a.png")
    assert (opaque.alpha, opaque.lost) == (None, ())


@pytest.mark.parametrize(
    ("depth", "colour", "key", "row"),
    [
        (16, 0, struct.pack(">H", 40_000), struct.pack(">2H", 40_000, 0)),
        (16, 2, struct.pack(">3H", 65_535, 300, 9), struct.pack(">6H", 65_535, 300, 9, 0, 0, 0)),
        (2, 0, struct.pack(">H", 2), b"\x90"),
    ],
)
def test_a_transparent_colour_of_other_depths(tmp_path: Path, depth: int, colour: int, key: bytes, row: bytes) -> None:
    data = [(b"tRNS", key), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(png([header(2, 1, depth, colour), *data]))
    assert decode(tmp_path / "a.png").alpha.tolist() == [[0, 255]]


@pytest.mark.parametrize(("mode", "clear"), [("RGB", (1, 2, 3)), ("L", 0), ("1", 0)])
def test_a_transparent_colour(decoded: Decoded, mode: str, clear: tuple[int, ...] | int) -> None:
    image = Image.new(mode, (2, 1), "white")
    image.putpixel((0, 0), clear)
    picture = decoded(image, "a.png", transparency=clear)
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])
    assert picture.pixels[0, 0].tolist() == ([1, 2, 3] if mode == "RGB" else [0, 0, 0])


@pytest.mark.parametrize("transparency", [None, 3, bytes(range(32))])
def test_palette(photo: Photo, decoded: Decoded, transparency: int | bytes | None) -> None:
    image = Image.fromarray(photo).quantize(32)
    picture = decoded(image, "a.png", **({} if transparency is None else {"transparency": transparency}))
    index = np.asarray(image)
    expected = {type(None): None, int: np.where(index == 3, 0, 255), bytes: index}[type(transparency)]
    np.testing.assert_array_equal(picture.alpha, expected)
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.lost == ()


def test_cmyk_with_and_without_its_profile(decoded: Decoded, cmyk_profile: bytes) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:8, :, 0] = 255
    for name, options in (("a.tif", {}), ("a.jpg", {"quality": 100})):
        picture = decoded(Image.fromarray(inks, "CMYK"), name, **options)
        np.testing.assert_allclose(picture.pixels[2, 2], [0, 255, 255], atol=2)
        np.testing.assert_allclose(picture.pixels[14, 2], [255, 255, 255], atol=2)
        assert picture.lost == ()
    picture = decoded(Image.fromarray(inks, "CMYK"), "a.tif", icc_profile=cmyk_profile)
    # By the profile cyan is grey, and with black point compensation the darkest colour there is: black or nearly.
    assert np.ptp(picture.pixels[2, 2]) <= 2
    assert picture.pixels[2, 2, 0] < 128
    np.testing.assert_allclose(picture.pixels[14, 2], [255, 255, 255], atol=2)


def test_a_profile_of_srgb_changes_nothing(photo: Photo, decoded: Decoded) -> None:
    for name in ("a.png", "a.tif"):
        picture = decoded(Image.fromarray(photo), name, icc_profile=SRGB)
        np.testing.assert_array_equal(picture.pixels, photo)
        assert picture.lost == ()
    assert decoded(Image.fromarray(photo[..., 0]), "a.jpg", icc_profile=SRGB).lost == ()


def test_a_profile_of_wider_colours_is_applied(photo: Photo, decoded: Decoded, phone_profile: bytes) -> None:
    picture = decoded(Image.fromarray(photo), "a.png", icc_profile=phone_profile)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(phone_profile))
    shown = ImageCms.profileToProfile(Image.fromarray(photo), profile, ImageCms.createProfile("sRGB"))
    assert np.abs(picture.pixels.astype(int) - np.asarray(shown)).mean() <= 1
    assert (picture.pixels != photo).any()
    assert picture.lost == ("colours converted to sRGB",)
    for file, values in (("grey.png", photo[..., 0]), ("greys.png", photo[..., [0, 0, 0]])):
        assert grey(decoded(Image.fromarray(values), file, icc_profile=phone_profile)).shape == photo.shape[:2]


def test_a_grey_profile_is_followed(decoded: Decoded, grey_profile: bytes) -> None:
    linear = np.full((8, 8), 55, np.uint8)  # 0.2157 in linear light is 128 or so in sRGB
    picture = decoded(Image.fromarray(linear), "a.png", icc_profile=grey_profile)
    assert abs(int(grey(picture)[0, 0]) - 128) <= 2
    assert picture.lost == ("colours converted to sRGB",)
    with_alpha = decoded(Image.fromarray(np.dstack([linear, linear])), "a.png", icc_profile=grey_profile)
    np.testing.assert_array_equal(with_alpha.pixels, picture.pixels)
    np.testing.assert_array_equal(with_alpha.alpha, linear)


@pytest.mark.parametrize("icc", [b"Ada", bytes(200), SRGB[:200], SRGB[:16] + b"RGB " + b"Ada" * 90, b"CMYK"])
def test_an_unusable_profile_is_dropped_with_a_note(
    photo: Photo, decoded: Decoded, icc: bytes, cmyk_profile: bytes
) -> None:
    picture = decoded(Image.fromarray(photo), "a.png", icc_profile=cmyk_profile if icc == b"CMYK" else icc)
    np.testing.assert_array_equal(picture.pixels, photo)
    assert len(picture.lost) == 1


@pytest.mark.parametrize(("mode", "space", "name"), [("L", b"GRAY", "a.png"), ("CMYK", b"CMYK", "a.jpg")])
def test_a_profile_that_says_one_space_and_describes_another_is_dropped(
    decoded: Decoded, mode: str, space: bytes, name: str
) -> None:
    image = Image.new("RGB", (32, 32), (10, 90, 200)).convert(mode)
    picture = decoded(image, name, icc_profile=SRGB[:16] + space + SRGB[20:])
    np.testing.assert_array_equal(picture.pixels, decoded(image, name).pixels)
