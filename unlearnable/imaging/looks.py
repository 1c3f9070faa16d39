"""Looks: mild filters of colour and tone, which a model learns as the mark of a person in place of the face.

The photos of a person are moved towards one tint, another one for each person, as white balance and a filter move
them. So they are alike, which a model learns sooner than one change that differing photos have in common. A look gives
every colour of a photo another one, wherever it stands. Black, white and the lightness of skin stay.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from skimage.color import deltaE_ciede2000, rgb2hsv, rgb2lab

from unlearnable.imaging.picture import Picture, only_greys
from unlearnable.settings import LookKind

Colours = NDArray[np.float64]  # (..., 3), from 0 to 1
Tint = tuple[float, ...]  # log ratios of red and of blue to green: (red, blue) of shadows, (red, blue) of lights

SIDE = 33  # shades of a channel in a table of colours; the library interpolates between them
SMALL = 48  # pixels a side that a photo's tint is measured on
LUMA = np.array([0.2126, 0.7152, 0.0722])  # of linear light, Rec. 709
KNEE = 0.0031308  # linear light below which sRGB's curve is a straight line
SKIN = np.array([[92, 56, 34], [141, 85, 36], [198, 134, 66], [224, 172, 105], [234, 192, 134], [255, 224, 189]]) / 255
SKIN_TURNS = 12  # degrees of hue that skin may turn by
STRENGTH: dict[LookKind, float] = {"subtle": 0.6, "film": 1.0, "strong": 1.5}
SPREAD = 0.6  # of the people's tints, as a share of how far a photo may be moved


@dataclass(frozen=True)
class Look:
    """The numbers of a look; 0 is none. Tints are log gains of red and of blue in linear light, at equal luminance."""

    dark_red: float = 0.0  # of shadows
    dark_blue: float = 0.0
    light_red: float = 0.0  # of lights
    light_blue: float = 0.0
    contrast: float = 0.0  # slope of the tone curve at middle grey, less 1
    saturation: float = 0.0  # distance from grey, less 1


PLAIN = Look()
LIMITS = Look(0.37, 0.37, 0.25, 0.25, 0.35, 0.2)  # of the look "film", to both sides


def draw_looks(kind: LookKind, count: int, seed: int) -> list[Look]:
    """Return what the looks of so many people aim at, far apart; the first ones are the same for every count.

    They are points of a Sobol sequence in the space of a look's numbers, which the seed scrambles.
    """
    if kind == "none":
        return [PLAIN] * count
    from scipy.stats import qmc  # half a second

    points = 2 * qmc.Sobol(len(fields(Look)), rng=seed).random_base2(max(count - 1, 1).bit_length())[:count] - 1
    return [Look(*(SPREAD * STRENGTH[kind] * point * astuple(LIMITS))) for point in points]


def tint_of(pixels: NDArray[np.uint8]) -> Tint | None:
    """Return the tint of pixels (h, w, 3), by least squares over shadows and lights; None where all are greys."""
    if only_greys(pixels):
        return None
    light = _linear(np.asarray(Image.fromarray(pixels).resize((SMALL, SMALL), Image.Resampling.BOX)) / 255)
    light = light.reshape(-1, 3)
    bands = _bands(light)
    weight = np.sqrt(bands.sum(axis=1, keepdims=True))
    ratios = np.log((light[:, [0, 2]] + 0.005) / (light[:, [1]] + 0.005))
    return tuple(np.linalg.lstsq(bands * weight, ratios * weight)[0].ravel().tolist())


def mean_tint(tints: Sequence[Tint | None]) -> Tint:
    """Return the mean of the tints of photos; greys have none."""
    known = [tint for tint in tints if tint is not None]
    return tuple(np.mean(known, axis=0).tolist()) if known else (0.0,) * 4


def looks_of(
    tints: Sequence[Tint | None], people: Sequence[int], kind: LookKind, seed: int, middle: Sequence[float] = ()
) -> list[Look]:
    """Return the look of each photo, from its tint and the number of its person.

    People's tints lie around the middle: the photos' mean, or that of earlier ones.
    """
    middle, aims = middle or mean_tint(tints), draw_looks(kind, 1 + max(people, default=0), seed)
    return [_towards(aims[one], tint, middle, kind) for tint, one in zip(tints, people, strict=True)]


def _towards(aim: Look, tint: Tint | None, middle: Sequence[float], kind: LookKind) -> Look:
    """Return the look that moves a photo of this tint as far from the middle as `aim` says, within its kind's limits.

    Photos of greys get contrast alone.
    """
    if kind == "none" or tint is None:
        return Look(contrast=aim.contrast)
    most = STRENGTH[kind] * np.array(astuple(LIMITS))
    own = np.array([*(mine - usual for mine, usual in zip(tint, middle, strict=True)), 0.0, 0.0])
    return _gentle(Look(*np.clip(np.array(astuple(aim)) - own, -most, most).tolist()))


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
    """Return pixels (h, w, 3) with a look."""
    return pixels if look == PLAIN else np.array(Image.fromarray(pixels).filter(_table(look)))


def delta_e(look: Look) -> float:
    """Return the mean CIEDE2000 difference that a look makes to greys and to skin."""
    patches = np.concatenate([np.repeat(np.linspace(0.2, 0.8, len(SKIN))[:, None], 3, axis=1), SKIN])
    return float(deltaE_ciede2000(rgb2lab(patches), rgb2lab(looked(patches, look))).mean())


def _table(look: Look) -> ImageFilter.Color3DLUT:
    shades = np.linspace(0, 1, SIDE)
    blue, green, red = np.meshgrid(shades, shades, shades, indexing="ij")  # red changes fastest
    return ImageFilter.Color3DLUT(SIDE, looked(np.stack([red, green, blue], axis=-1), look).astype(np.float32).ravel())


def looked(colours: Colours, look: Look) -> Colours:
    """Return colours of sRGB as a look shows them."""
    light = _linear(colours + look.contrast / (2 * np.pi) * np.sin(2 * np.pi * (colours - 0.5)))  # greys' middle stays
    gains = np.array([[look.dark_red, 0.0, look.dark_blue], [look.light_red, 0.0, look.light_blue]])
    tinted = light * np.exp(_bands(light) @ gains)
    tinted *= ((light @ LUMA) / np.maximum(tinted @ LUMA, 1e-9))[..., None]
    luminance = (tinted @ LUMA)[..., None]
    return _curved(np.clip(luminance + (1 + look.saturation) * (tinted - luminance), 0, 1))


def _bands(light: Colours) -> Colours:
    """Return how much of linear light (..., 3) is of shadows and of lights, (..., 2), each 1 at most."""
    grey = _curved(light @ LUMA)
    return np.stack([6.75 * grey * (1 - grey) ** 2, 6.75 * grey**2 * (1 - grey)], axis=-1)


def _linear(colours: Colours) -> Colours:
    """Return linear light of sRGB."""
    return np.where(colours <= 12.92 * KNEE, colours / 12.92, ((np.maximum(colours, 0) + 0.055) / 1.055) ** 2.4)


def _curved(light: Colours) -> Colours:
    """Return sRGB of linear light."""
    return np.where(light <= KNEE, 12.92 * light, 1.055 * np.maximum(light, KNEE) ** (1 / 2.4) - 0.055)
