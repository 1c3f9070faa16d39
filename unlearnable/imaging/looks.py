"""Looks: mild filters of colour and tone, another for each person, that a model learns in place of the face.

A look gives every colour another one, wherever it stands in a photo. Black, white and the lightness of skin stay.
"""

from dataclasses import astuple, dataclass, fields, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from skimage.color import deltaE_ciede2000, rgb2hsv, rgb2lab

from unlearnable.imaging.picture import Picture, only_greys
from unlearnable.settings import LookKind

Colours = NDArray[np.float64]  # (..., 3), from 0 to 1

SIDE = 33  # shades of a channel in a table of colours; the library interpolates between them
LUMA = np.array([0.2126, 0.7152, 0.0722])  # of linear light, Rec. 709
KNEE = 0.0031308  # linear light below which sRGB's curve is a straight line
SKIN = np.array([[92, 56, 34], [141, 85, 36], [198, 134, 66], [224, 172, 105], [234, 192, 134], [255, 224, 189]]) / 255
SKIN_TURNS = 12  # degrees of hue that skin may turn by
STRENGTH: dict[LookKind, float] = {"subtle": 0.6, "film": 1.0, "strong": 1.5}


@dataclass(frozen=True)
class Look:
    """The numbers of a look; 0 is none. Tints are log gains of red and of blue in linear light, at equal luminance."""

    red: float = 0.0  # of all but black and white
    blue: float = 0.0
    dark_red: float = 0.0  # of shadows
    dark_blue: float = 0.0
    light_red: float = 0.0  # of lights
    light_blue: float = 0.0
    contrast: float = 0.0  # slope of the tone curve at middle grey, less 1
    saturation: float = 0.0  # distance from grey, less 1


PLAIN = Look()
LIMITS = Look(0.16, 0.16, 0.3, 0.3, 0.15, 0.15, 0.35, 0.2)  # of the look "film", to both sides


def draw_looks(kind: LookKind, count: int, seed: int) -> list[Look]:
    """Return so many looks, far apart; the first ones are the same for every count.

    They are points of a Sobol sequence in the space of a look's numbers, which the seed scrambles.
    """
    if kind == "none":
        return [PLAIN] * count
    from scipy.stats import qmc  # half a second

    points = 2 * qmc.Sobol(len(fields(Look)), rng=seed).random_base2(max(count - 1, 1).bit_length())[:count] - 1
    return [_gentle(Look(*(STRENGTH[kind] * point * astuple(LIMITS)))) for point in points]


def _gentle(look: Look) -> Look:
    """Return a look, weakened until skin turns by no more than `SKIN_TURNS` degrees of hue."""
    turned = rgb2hsv(looked(SKIN, look))[:, 0] - rgb2hsv(SKIN)[:, 0]
    if 360 * np.abs((turned + 0.5) % 1 - 0.5).max() <= SKIN_TURNS:
        return look
    return _gentle(Look(*(0.9 * number for number in astuple(look))))


def with_look(picture: Picture, look: Look) -> Picture:
    """Return a picture with a look."""
    return picture if look == PLAIN else replace(picture, pixels=in_look(picture.pixels, look))


def in_look(pixels: NDArray[np.uint8], look: Look) -> NDArray[np.uint8]:
    """Return pixels (h, w, 3) with a look; where all are greys they stay so and get the contrast alone."""
    if look == PLAIN:
        return pixels
    if only_greys(pixels):
        look = Look(contrast=look.contrast)
    return np.array(Image.fromarray(pixels).filter(_table(look)))


def delta_e(look: Look) -> float:
    """Return the mean CIEDE2000 difference that a look makes to greys and to skin."""
    patches = np.concatenate([np.repeat(np.linspace(0.2, 0.8, len(SKIN))[:, None], 3, axis=1), SKIN])
    return float(deltaE_ciede2000(rgb2lab(patches), rgb2lab(looked(patches, look))).mean())


@lru_cache(maxsize=4)
def _table(look: Look) -> ImageFilter.Color3DLUT:
    shades = np.linspace(0, 1, SIDE)
    blue, green, red = np.meshgrid(shades, shades, shades, indexing="ij")  # red changes fastest
    return ImageFilter.Color3DLUT(SIDE, looked(np.stack([red, green, blue], axis=-1), look).astype(np.float32).ravel())


def looked(colours: Colours, look: Look) -> Colours:
    """Return colours of sRGB as a look shows them."""
    light = _linear(colours + look.contrast / (2 * np.pi) * np.sin(2 * np.pi * (colours - 0.5)))  # greys' middle stays
    grey = _curved(light @ LUMA)[..., None]  # lightness of the colour, from 0 to 1
    middle, shadows, lights = 4 * grey * (1 - grey), 6.75 * grey * (1 - grey) ** 2, 6.75 * grey**2 * (1 - grey)
    tint = middle * _ways(look.red, look.blue)
    tint = tint + shadows * _ways(look.dark_red, look.dark_blue) + lights * _ways(look.light_red, look.light_blue)
    tinted = light * np.exp(tint)
    tinted *= ((light @ LUMA) / np.maximum(tinted @ LUMA, 1e-9))[..., None]
    luminance = (tinted @ LUMA)[..., None]
    return _curved(np.clip(luminance + (1 + look.saturation) * (tinted - luminance), 0, 1))


def _ways(red: float, blue: float) -> NDArray[np.float64]:
    return np.array([red, 0.0, blue])


def _linear(colours: Colours) -> Colours:
    """Return linear light of sRGB."""
    return np.where(colours <= 12.92 * KNEE, colours / 12.92, ((np.maximum(colours, 0) + 0.055) / 1.055) ** 2.4)


def _curved(light: Colours) -> Colours:
    """Return sRGB of linear light."""
    return np.where(light <= KNEE, 12.92 * light, 1.055 * np.maximum(light, KNEE) ** (1 / 2.4) - 0.055)
