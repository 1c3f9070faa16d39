"""Compare pictures: how visible noise is (FLIP, CIEDE2000, PSNR, SSIM), how much of it is left, near-duplicates."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearnable.imaging.decode import DecodeError, decode
from unlearnable.imaging.picture import SomeRows, strips

_PIXELS_PER_DEGREE = 67.0  # the paper's default: a 4K monitor, 0.7 m wide, from 0.7 m away
_FEATURE_WIDTH = 0.082  # degrees: the edges and points that an eye detects
_COLOUR_POWER, _FEATURE_POWER = 0.7, 0.5  # q_c and q_f
_KNEE, _KNEE_ERROR = 0.4, 0.95  # p_c and p_t: this share of the largest colour difference has this error

# Sensitivity to contrast in Y, Cx and Cz: sums of Gaussians (weight a, width b), the paper's Table 1.
_SENSITIVITY = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))

# Linear sRGB to XYZ, from the primaries of BT.709 and the white D65.
_XYZ = np.array(
    [
        [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
        [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
        [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
    ]
)
_TO_WHITE = (_XYZ / _XYZ.sum(axis=1, keepdims=True)).astype(np.float32)  # linear sRGB to X/Xn, Y/Yn, Z/Zn
_TO_OPPONENT = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]], np.float32) @ _TO_WHITE  # less 16 in Y

VIEWING_SIDE = 1080  # pixels of the longer side, at most
_WINDOW = 7  # the usual SSIM window
_STRIP_PIXELS = 1 << 19
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601
NEAR = 4  # differing bits of the 64 of a perceptual hash

Floats = NDArray[np.float32]


def flip(reference: Floats, test: Floats) -> Floats:
    """Return the error of each pixel, 0 to 1, for two sRGB pictures (h, w, 3) of values 0 to 1: (h, w)."""
    first, second = (_linear(np.moveaxis(picture, -1, 0)) for picture in (reference, test))
    colour = _colour_error(_hunt_lab(_seen(first)), _hunt_lab(_seen(second)))
    feature = _feature_error(_mix(_TO_WHITE[1:2], first)[0], _mix(_TO_WHITE[1:2], second)[0])
    return colour ** (1 - feature)


def _linear(srgb: Floats) -> Floats:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _mix(matrix: Floats, planes: Floats) -> Floats:
    return np.tensordot(matrix, planes, axes=1)


def _seen(linear: Floats) -> Floats:
    """Return what an eye resolves of a picture of linear sRGB (3, h, w), which lies in the same space (section 4.1)."""
    blurred = np.stack([_blur(*pair) for pair in zip(_mix(_TO_OPPONENT, linear), _SENSITIVITY, strict=True)])
    return np.clip(_mix(np.linalg.inv(_TO_OPPONENT), blurred), 0, 1)


def _blur(channel: Floats, gaussians: tuple[tuple[float, float], ...]) -> Floats:
    widest = max(width for terms in _SENSITIVITY for _, width in terms)
    degrees = _offsets(math.sqrt(widest / 2) / math.pi) / _PIXELS_PER_DEGREE
    kernels = [np.exp(-((math.pi * degrees) ** 2) / width) for _, width in gaussians]
    weights = [weight * math.sqrt(math.pi / width) for weight, width in gaussians]
    whole = sum(weight * kernel.sum() ** 2 for weight, kernel in zip(weights, kernels, strict=True))
    parts = (weight / whole * _filter(channel, k, k) for weight, k in zip(weights, kernels, strict=True))
    return np.asarray(sum(parts), np.float32)


def _offsets(degrees: float) -> NDArray[np.float64]:
    """Return the offsets, in pixels, at which a Gaussian of this standard deviation is more than nothing."""
    radius = math.ceil(3 * degrees * _PIXELS_PER_DEGREE)
    return np.arange(-radius, radius + 1, dtype=np.float64)


def _filter(channel: Floats, down: NDArray[np.float64], across: NDArray[np.float64]) -> Floats:
    from scipy.ndimage import correlate1d

    filtered = correlate1d(correlate1d(channel, across, axis=1, mode="nearest"), down, axis=0, mode="nearest")
    return np.asarray(filtered)


def _hunt_lab(linear: Floats) -> Floats:
    """Return CIELab (3, h, w) whose colours count less where it is dark, as Hunt found."""
    ratio = _mix(_TO_WHITE, linear)
    edge = 6 / 29
    x, y, z = np.where(ratio > edge**3, np.cbrt(ratio), ratio / (3 * edge**2) + 4 / 29)
    lightness = 116 * y - 16
    return np.stack([lightness, 5 * lightness * (x - y), 2 * lightness * (y - z)])


def _distance(first: Floats, second: Floats) -> Floats:
    """Return the HyAB distance of colours of Lab, to the power q_c."""
    lightness, a, b = first - second
    return np.asarray((np.abs(lightness) + np.hypot(a, b)) ** _COLOUR_POWER)


def _colour_error(first: Floats, second: Floats) -> Floats:
    """Return the difference in colour, 0 to 1, mostly spent on small ones (section 4.1.3)."""
    green, blue = (_hunt_lab(np.array(colour, np.float32).reshape(3, 1, 1)) for colour in ((0, 1, 0), (0, 0, 1)))
    largest = _distance(green, blue).item()
    knee, distance = _KNEE * largest, _distance(first, second)
    above = _KNEE_ERROR + (distance - knee) / (largest - knee) * (1 - _KNEE_ERROR)
    return np.where(distance < knee, _KNEE_ERROR / knee * distance, above)


def _feature_error(first: Floats, second: Floats) -> Floats:
    """Return the difference in edges and points of two pictures of luminance (h, w), 0 to 1 (section 4.2)."""
    deviation = _FEATURE_WIDTH / 2
    offsets = _offsets(deviation) / (deviation * _PIXELS_PER_DEGREE)
    gaussian = np.exp(-(offsets**2) / 2)
    detectors = -offsets * gaussian, (offsets**2 - 1) * gaussian  # of edges, of points
    most = np.zeros_like(first)
    for detector in detectors:
        found = [_strength(picture, _balanced(detector), gaussian / gaussian.sum()) for picture in (first, second)]
        most = np.maximum(most, np.abs(found[0] - found[1]))
    return np.asarray((most / math.sqrt(2)) ** _FEATURE_POWER)


def _balanced(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a kernel whose positive weights sum to 1 and whose negative ones to -1."""
    positive, negative = kernel.clip(min=0), kernel.clip(max=0)
    return np.asarray(positive / positive.sum() - negative / negative.sum())


def _strength(picture: Floats, detector: NDArray[np.float64], smooth: NDArray[np.float64]) -> Floats:
    return np.hypot(_filter(picture, smooth, detector), _filter(picture, detector, smooth))


@dataclass(frozen=True)
class Visibility:
    """How visible the difference of two pictures is, at viewing size; 0 for equal pictures."""

    flip: float  # mean FLIP error, 0 to 1
    delta_e: float  # mean CIEDE2000 difference; 1 is about the smallest that is seen between two plain patches


def visibility(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> Visibility:
    """Compare two (h, w, 3) sRGB pictures as a screen shows them: reduced to `VIEWING_SIDE`, never enlarged.

    Both are reduced by Pillow's antialiased bicubic filter to 8 bits, which is what a screen gets.
    """
    from skimage.color import deltaE_ciede2000, rgb2lab

    first, second = _as_seen(original), _as_seen(changed)
    error_map = flip(first, second)
    colours = deltaE_ciede2000(rgb2lab(first), rgb2lab(second))
    return Visibility(float(error_map.mean(dtype=np.float64)), float(colours.mean(dtype=np.float64)))


def _as_seen(pixels: NDArray[np.uint8]) -> Floats:
    """Return pixels (h, w, 3) at viewing size, 0 to 1."""
    image = Image.fromarray(pixels)
    scale = VIEWING_SIDE / max(image.size)
    if scale < 1:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
    return pixels.astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class Quality:
    """Distances between two pictures."""

    linf: int  # largest change of a channel, in 1/255
    psnr: float  # over all channels, in dB; infinite for equal pictures
    ssim: float  # mean structural similarity of the luma; 1 for equal pictures


def compare(original: NDArray[np.uint8], changed: NDArray[np.uint8]) -> Quality:
    """Compare two (h, w, 3) pictures strip by strip: 12 megapixels take about 40 MB."""
    largest, squares, similarity, rows = 0, 0, 0.0, 0
    height, width, _ = original.shape
    step = max(1, _STRIP_PIXELS // width)
    for start in range(0, max(1, height - _WINDOW + 1), step):  # every window of the SSIM lies in exactly one strip
        strip = slice(start, min(start + step + _WINDOW - 1, height))
        first, second = original[strip], changed[strip]
        change = np.abs(first.astype(np.int16) - second)
        largest = max(largest, int(change.max()))
        # The strips overlap by _WINDOW - 1 rows, which the SSIM needs but the sum must not count twice.
        new = change[_WINDOW - 1 if start else 0 :].astype(np.int32)
        squares += int(np.square(new).sum(dtype=np.int64))
        count = max(1, first.shape[0] - _WINDOW + 1)
        similarity += count * _ssim(first, second)
        rows += count
    psnr = 10 * math.log10(255**2 * original.size / squares) if squares else math.inf
    return Quality(largest, psnr, similarity / rows)


def _ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    from skimage.metrics import structural_similarity

    # A picture smaller than a window is extended by its edge.
    padding = [(0, max(0, _WINDOW - size)) for size in first.shape[:2]]
    lumas = (np.pad(picture.astype(np.float32) @ _LUMA, padding, mode="edge") for picture in (first, second))
    return float(structural_similarity(*lumas, data_range=255.0, win_size=_WINDOW))


def largest_change(first: SomeRows, second: NDArray[np.uint8]) -> int:
    """Return the largest difference of a channel of two pictures (h, w, 3), in 1/255."""
    parts = ((first[rows], second[rows]) for rows in strips(*second.shape[:2]))
    return max(int((np.maximum(one, other) - np.minimum(one, other)).max()) for one, other in parts)


def share_kept(
    clean: NDArray[np.uint8], noisy: SomeRows, clean_decoded: NDArray[np.uint8], noisy_decoded: NDArray[np.uint8]
) -> float:
    """Return the share of the noise that is left in a decoded file: the slope of what is left on what was added.

    What an encoder does to the photo itself is in both decoded pictures and falls out. It is 0 if no noise was added.
    """
    added = kept = 0.0
    step = max(1, _STRIP_PIXELS // clean.shape[1])
    for start in range(0, clean.shape[0], step):
        rows = slice(start, start + step)
        noise = noisy[rows].astype(np.float32) - clean[rows]
        left = noisy_decoded[rows].astype(np.float32) - clean_decoded[rows]
        added += float(np.vdot(noise, noise))
        kept += float(np.vdot(noise, left))
    return kept / added if added else 0.0


def near_duplicates(photos: Sequence[Path], held_out: Iterable[Path]) -> list[int]:
    """Return the numbers of the photos whose perceptual hash is within `NEAR` bits of a held-out photo's."""
    gallery = [code for path in held_out if (code := _hash(path)) is not None]
    if not gallery:
        return []
    codes = np.stack(gallery)
    hashes = enumerate(map(_hash, photos))
    return [number for number, code in hashes if code is not None and (code ^ codes).sum(axis=1).min() <= NEAR]


def _hash(path: Path) -> NDArray[np.bool_] | None:
    """Return which of the 64 lowest frequencies of a photo are above their median; None if it cannot be decoded."""
    from scipy.fft import dctn

    try:
        pixels = decode(path).pixels
    except DecodeError:
        return None
    small = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    lowest = dctn(np.asarray(small, np.float64))[:8, :8]
    code: NDArray[np.bool_] = (lowest > np.median(lowest)).flatten()
    return code
