from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.picture import Picture

Photo = NDArray[np.uint8]
Decoded = Callable[..., Picture]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


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


def test_one_bit(decoded: Decoded) -> None:
    bits = np.indices((9, 12)).sum(axis=0) % 2 == 0
    picture = decoded(Image.fromarray(bits), "a.png")
    np.testing.assert_array_equal(grey(picture), bits * np.uint8(255))
    assert picture.lost == ()


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
    assert picture.lost == ("palette not kept",)


def test_cmyk_with_and_without_its_profile(decoded: Decoded, cmyk_profile: bytes) -> None:
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:8, :, 0] = 255
    for name, options in (("a.tif", {}), ("a.jpg", {"quality": 100})):
        picture = decoded(Image.fromarray(inks, "CMYK"), name, **options)
        np.testing.assert_allclose(picture.pixels[2, 2], [0, 255, 255], atol=2)
        np.testing.assert_allclose(picture.pixels[14, 2], [255, 255, 255], atol=2)
        assert picture.lost == ("CMYK converted to sRGB",)
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


def test_ycbcr_tiff(photo: Photo, decoded: Decoded) -> None:
    picture = decoded(Image.fromarray(photo).convert("YCbCr"), "a.tif")
    assert np.abs(picture.pixels.astype(int) - photo).max() <= 3
