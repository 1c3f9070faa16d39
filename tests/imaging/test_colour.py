from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from unlearnable.imaging.decode import decode
from unlearnable.imaging.picture import Picture

Photo = NDArray[np.uint8]
Decoded = Callable[..., Picture]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def grey(picture: Picture) -> Photo:
    """The one channel of a picture whose three must be equal."""
    assert (picture.pixels == picture.pixels[..., :1]).all()
    return picture.pixels[..., 0]


def test_greyscale(photo: Photo, decoded: Decoded) -> None:
    for name in ("a.png", "a.tif"):
        picture = decoded(Image.fromarray(photo[..., 0]), name)
        np.testing.assert_array_equal(grey(picture), photo[..., 0])
        assert picture.lost == ()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_scaled_not_clipped(decoded: Decoded, name: str) -> None:
    values = np.linspace(0, 65535, 2000).astype(np.uint16).reshape(40, 50)
    picture = decoded(Image.fromarray(values), name)
    assert picture.lost == ("16 bits reduced to 8",)
    assert np.abs(grey(picture) - values / 257).max() <= 0.51


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (np.array([[0, 1000, 65535]], np.int32), 0, 65535),
        (np.array([[0, 100, 255]], np.int32), 0, 255),
        (np.array([[-500, 0, 70000]], np.int32), -500, 70000),
        (np.array([[0.0, 0.25, 1.0]], np.float32), 0, 1),
        (np.array([[0.0, 0.25, 200.0]], np.float32), 0, 255),
        (np.array([[-1.0, 0.25, 3.0]], np.float32), -1, 3),
    ],
)
def test_32_bit_grey_is_scaled_by_its_range(
    decoded: Decoded, values: NDArray[np.generic], low: float, high: float
) -> None:
    picture = decoded(Image.fromarray(values), "a.tif")
    assert "32 bits reduced to 8" in picture.lost
    expected = (values.astype(float) - low) * 255 / (high - low)
    assert np.abs(grey(picture) - expected).max() <= 0.51


def test_32_bit_grey_without_a_sign_is_brightest_where_its_highest_bit_is_set(tmp_path: Path) -> None:
    values = np.array([[0, 1 << 31, (1 << 32) - 1]], np.uint32)
    path = tmp_path / "a.tif"
    Image.fromarray(values.view(np.int32)).save(path)
    signed, unsigned = (struct.pack("<HHLH", 339, 3, 1, kind) for kind in (2, 1))  # the tag SampleFormat
    assert path.read_bytes().count(signed) == 1
    path.write_bytes(path.read_bytes().replace(signed, unsigned))
    np.testing.assert_array_equal(grey(decode(path)), [[0, 128, 255]])


@pytest.mark.parametrize("values", [np.array([[0, 65535]], np.uint16), np.array([[0.0, 1.0]], np.float32)])
def test_a_tiff_whose_zero_is_white(decoded: Decoded, values: NDArray[np.generic]) -> None:
    picture = decoded(Image.fromarray(values), "a.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(grey(picture), [[255, 0]])


def test_floats_that_are_no_numbers(decoded: Decoded) -> None:
    values = np.array([[np.nan, np.inf, 0.5, 1.0]], np.float32)
    np.testing.assert_array_equal(grey(decoded(Image.fromarray(values), "a.tif")), [[0, 0, 128, 255]])


def test_one_bit(decoded: Decoded) -> None:
    bits = np.indices((9, 12)).sum(axis=0) % 2 == 0
    picture = decoded(Image.fromarray(bits), "a.png")
    np.testing.assert_array_equal(grey(picture), bits * np.uint8(255))
    assert picture.lost == ()


def test_grey_with_alpha(photo: Photo, decoded: Decoded) -> None:
    picture = decoded(Image.fromarray(photo[..., :2]), "a.png")
    np.testing.assert_array_equal(grey(picture), photo[..., 0])
    np.testing.assert_array_equal(picture.alpha, photo[..., 1])
    assert picture.lost == ()


def test_colours_under_full_transparency_stay(photo: Photo, decoded: Decoded) -> None:
    alpha = np.where(photo[..., 0] > 128, 255, 0).astype(np.uint8)
    picture = decoded(Image.fromarray(np.dstack([photo, alpha])), "a.png")
    np.testing.assert_array_equal(picture.pixels, photo)
    np.testing.assert_array_equal(picture.alpha, alpha)


def test_opaque_alpha_is_none(photo: Photo, decoded: Decoded) -> None:
    picture = decoded(Image.fromarray(photo).convert("RGBA"), "a.png")
    assert picture.alpha is None
    assert picture.lost == ()


def test_a_transparent_colour(decoded: Decoded) -> None:
    image = Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]], np.uint8))
    picture = decoded(image, "a.png", transparency=(1, 2, 3))
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])
    np.testing.assert_array_equal(picture.pixels, [[[1, 2, 3], [9, 9, 9]]])


@pytest.mark.parametrize("mode", ["1", "L"])
def test_a_transparent_grey(decoded: Decoded, mode: str) -> None:
    image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    picture = decoded(image, "a.png", transparency=0)
    np.testing.assert_array_equal(picture.alpha, [[0, 255]])
    np.testing.assert_array_equal(grey(picture), [[0, 255]])


def test_palette(photo: Photo, decoded: Decoded) -> None:
    image = Image.fromarray(photo).quantize(32)
    picture = decoded(image, "a.png")
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert (picture.alpha, picture.lost) == (None, ("palette not kept",))


@pytest.mark.parametrize("transparency", [3, bytes(range(32))])
def test_palette_with_transparency(photo: Photo, decoded: Decoded, transparency: int | bytes) -> None:
    image = Image.fromarray(photo).quantize(32)
    picture = decoded(image, "a.png", transparency=transparency)
    index = np.asarray(image)
    expected = np.where(index == 3, 0, 255) if isinstance(transparency, int) else index
    np.testing.assert_array_equal(picture.alpha, expected)
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))


def test_transparent_gif(photo: Photo, decoded: Decoded) -> None:
    picture = decoded(Image.fromarray(photo).quantize(32), "a.gif", transparency=3)
    assert picture.alpha is not None
    assert set(np.unique(picture.alpha)) == {0, 255}


def test_cmyk_without_a_profile(decoded: Decoded) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:8, :, 0] = 255
    for name, options in (("a.tif", {}), ("a.jpg", {"quality": 100})):
        picture = decoded(Image.fromarray(inks, "CMYK"), name, **options)
        np.testing.assert_allclose(picture.pixels[2, 2], [0, 255, 255], atol=2)
        np.testing.assert_allclose(picture.pixels[14, 2], [255, 255, 255], atol=2)
        assert picture.lost == ("CMYK converted to sRGB",)


def test_cmyk_through_its_profile(decoded: Decoded, cmyk_profile: bytes) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:8, :, 0] = 255
    picture = decoded(Image.fromarray(inks, "CMYK"), "a.tif", icc_profile=cmyk_profile)
    # By the profile cyan is grey, and with black point compensation the darkest colour there is: black or nearly.
    assert np.ptp(picture.pixels[2, 2]) <= 2
    assert picture.pixels[2, 2, 0] < 128
    np.testing.assert_allclose(picture.pixels[14, 2], [255, 255, 255], atol=2)
    assert picture.lost == ("CMYK converted to sRGB",)


def test_cmyk_with_a_damaged_profile(decoded: Decoded, cmyk_profile: bytes) -> None:
    inks = np.zeros((8, 8, 4), np.uint8)
    picture = decoded(Image.fromarray(inks, "CMYK"), "a.tif", icc_profile=cmyk_profile[:20] + bytes(40))
    assert (picture.pixels == 255).all()
    assert picture.lost == ("CMYK converted to sRGB", "damaged colour profile dropped")


def test_a_profile_of_srgb_changes_nothing(photo: Photo, decoded: Decoded) -> None:
    for name in ("a.png", "a.tif", "a.webp"):
        picture = decoded(Image.fromarray(photo), name, icc_profile=SRGB, **({"lossless": True} if "w" in name else {}))
        np.testing.assert_array_equal(picture.pixels, photo)
        assert picture.lost == ()
    assert decoded(Image.fromarray(photo[..., 0]), "a.jpg", icc_profile=SRGB).lost == ()


@pytest.mark.parametrize("name", ["adobe_profile", "phone_profile"])
def test_a_profile_of_wider_colours_is_applied(
    photo: Photo, decoded: Decoded, request: pytest.FixtureRequest, name: str
) -> None:
    icc = request.getfixturevalue(name)
    picture = decoded(Image.fromarray(photo), "a.png", icc_profile=icc)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    shown = ImageCms.profileToProfile(Image.fromarray(photo), profile, ImageCms.createProfile("sRGB"))
    assert np.abs(picture.pixels.astype(int) - np.asarray(shown)).mean() <= 1
    assert (picture.pixels != photo).any()
    assert picture.lost == ("colours converted to sRGB",)
    for file, values in (("grey.png", photo[..., 0]), ("greys.png", photo[..., [0, 0, 0]])):
        assert grey(decoded(Image.fromarray(values), file, icc_profile=icc)).shape == photo.shape[:2]


@pytest.mark.parametrize("icc", [b"Ada", bytes(200), SRGB[:200], SRGB[:16] + b"RGB " + b"Ada" * 90])
def test_a_damaged_profile_is_dropped_with_a_note(photo: Photo, decoded: Decoded, icc: bytes) -> None:
    picture = decoded(Image.fromarray(photo), "a.png", icc_profile=icc)
    np.testing.assert_array_equal(picture.pixels, photo)
    assert len(picture.lost) == 1


def test_a_grey_profile_is_followed(photo: Photo, decoded: Decoded, grey_profile: bytes) -> None:
    linear = np.full((8, 8), 55, np.uint8)  # 0.2157 in linear light is 128 or so in sRGB
    picture = decoded(Image.fromarray(linear), "a.png", icc_profile=grey_profile)
    assert abs(int(grey(picture)[0, 0]) - 128) <= 2
    assert picture.lost == ("colours converted to sRGB",)
    with_alpha = decoded(Image.fromarray(np.dstack([linear, linear])), "a.png", icc_profile=grey_profile)
    np.testing.assert_array_equal(with_alpha.pixels, picture.pixels)
    np.testing.assert_array_equal(with_alpha.alpha, linear)
    ramp = np.arange(256, dtype=np.uint8)[None]
    shades = grey(decoded(Image.fromarray(ramp), "ramp.png", icc_profile=grey_profile))[0]
    assert (shades[0], shades[255]) == (0, 255)
    assert (np.diff(shades.astype(int)) >= 0).all()


def test_a_profile_of_another_space_is_dropped(photo: Photo, decoded: Decoded, cmyk_profile: bytes) -> None:
    picture = decoded(Image.fromarray(photo), "a.png", icc_profile=cmyk_profile)
    np.testing.assert_array_equal(picture.pixels, photo)
    assert picture.lost == ("unsuitable colour profile dropped",)


def test_lab(decoded: Decoded) -> None:
    lab = np.zeros((4, 4, 3), np.uint8)
    lab[..., 0] = 255
    picture = decoded(Image.frombytes("LAB", (4, 4), lab.tobytes()), "a.tif")
    assert (picture.pixels >= 253).all()
    assert picture.lost == ("Lab converted to sRGB",)


def test_ycbcr_tiff(photo: Photo, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(photo).convert("YCbCr").save(path)
    assert np.abs(decode(path).pixels.astype(int) - photo).max() <= 3


@pytest.mark.parametrize(("mode", "space", "name"), [("L", b"GRAY", "a.png"), ("CMYK", b"CMYK", "a.jpg")])
def test_a_profile_that_says_one_space_and_describes_another_is_dropped(
    decoded: Decoded, mode: str, space: bytes, name: str
) -> None:
    image = Image.new("RGB", (32, 32), (10, 90, 200)).convert(mode)
    picture = decoded(image, name, icc_profile=SRGB[:16] + space + SRGB[20:])
    np.testing.assert_array_equal(picture.pixels, decoded(image, name).pixels)
    assert "damaged colour profile dropped" in picture.lost
