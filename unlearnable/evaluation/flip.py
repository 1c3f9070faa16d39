"""FLIP: the difference that one notices on flipping between two pictures on a screen.

Andersson et al., "FLIP: A Difference Evaluator for Alternating Images" (HPG 2020), for low dynamic range. It is
computed here, since NVIDIA's `flip-evaluator` has to be compiled on many machines; a test compares the two. Inside,
pictures have their three planes first: (3, h, w).
"""

from __future__ import annotations

from math import ceil, pi, sqrt

import numpy as np
from numpy.typing import NDArray

PIXELS_PER_DEGREE = 67.0  # the paper's default: a 4K monitor, 0.7 m wide, from 0.7 m away
FEATURE_WIDTH = 0.082  # degrees: the edges and points that an eye detects
COLOUR_POWER, FEATURE_POWER = 0.7, 0.5  # q_c and q_f
KNEE, KNEE_ERROR = 0.4, 0.95  # p_c and p_t: this share of the largest colour difference has this error

# Sensitivity to contrast in Y, Cx and Cz: sums of Gaussians (weight a, width b), the paper's Table 1.
SENSITIVITY = (((1.0, 0.0047),), ((1.0, 0.0053),), ((34.1, 0.04), (13.5, 0.025)))

# Linear sRGB to XYZ, from the primaries of BT.709 and the white D65.
XYZ = np.array(
    [
        [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
        [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
        [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
    ]
)
TO_WHITE = (XYZ / XYZ.sum(axis=1, keepdims=True)).astype(np.float32)  # linear sRGB to X/Xn, Y/Yn, Z/Zn
TO_OPPONENT = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]], np.float32) @ TO_WHITE  # less 16 in Y

Floats = NDArray[np.float32]


def flip(reference: Floats, test: Floats) -> Floats:
    """Return the error of each pixel, 0 to 1, for two sRGB pictures (h, w, 3) of values 0 to 1: (h, w)."""
    first, second = (_linear(np.moveaxis(picture, -1, 0)) for picture in (reference, test))
    colour = _colour_error(_hunt_lab(_seen(first)), _hunt_lab(_seen(second)))
    feature = _feature_error(_mix(TO_WHITE[1:2], first)[0], _mix(TO_WHITE[1:2], second)[0])
    return colour ** (1 - feature)


def _linear(srgb: Floats) -> Floats:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _mix(matrix: Floats, planes: Floats) -> Floats:
    return np.tensordot(matrix, planes, axes=1)


def _seen(linear: Floats) -> Floats:
    """Return what an eye resolves of a picture of linear sRGB (3, h, w), which lies in the same space (section 4.1)."""
    blurred = np.stack([_blur(*pair) for pair in zip(_mix(TO_OPPONENT, linear), SENSITIVITY, strict=True)])
    return np.clip(_mix(np.linalg.inv(TO_OPPONENT), blurred), 0, 1)


def _blur(channel: Floats, gaussians: tuple[tuple[float, float], ...]) -> Floats:
    widest = max(width for terms in SENSITIVITY for _, width in terms)
    degrees = _offsets(sqrt(widest / 2) / pi) / PIXELS_PER_DEGREE
    kernels = [np.exp(-((pi * degrees) ** 2) / width) for _, width in gaussians]
    weights = [weight * sqrt(pi / width) for weight, width in gaussians]
    whole = sum(weight * kernel.sum() ** 2 for weight, kernel in zip(weights, kernels, strict=True))
    parts = (weight / whole * _filter(channel, k, k) for weight, k in zip(weights, kernels, strict=True))
    return np.asarray(sum(parts), np.float32)


def _offsets(degrees: float) -> NDArray[np.float64]:
    """Return the offsets, in pixels, at which a Gaussian of this standard deviation is more than nothing."""
    radius = ceil(3 * degrees * PIXELS_PER_DEGREE)
    return np.arange(-radius, radius + 1, dtype=np.float64)


def _filter(channel: Floats, down: NDArray[np.float64], across: NDArray[np.float64]) -> Floats:
    from scipy.ndimage import correlate1d

    filtered = correlate1d(correlate1d(channel, across, axis=1, mode="nearest"), down, axis=0, mode="nearest")
    return np.asarray(filtered)


def _hunt_lab(linear: Floats) -> Floats:
    """Return CIELab (3, h, w) whose colours count less where it is dark, as Hunt found."""
    ratio = _mix(TO_WHITE, linear)
    edge = 6 / 29
    x, y, z = np.where(ratio > edge**3, np.cbrt(ratio), ratio / (3 * edge**2) + 4 / 29)
    lightness = 116 * y - 16
    return np.stack([lightness, 5 * lightness * (x - y), 2 * lightness * (y - z)])


def _distance(first: Floats, second: Floats) -> Floats:
    """Return the HyAB distance of colours of Lab, to the power q_c."""
    lightness, a, b = first - second
    return np.asarray((np.abs(lightness) + np.hypot(a, b)) ** COLOUR_POWER)


def _colour_error(first: Floats, second: Floats) -> Floats:
    """Return the difference in colour, 0 to 1, most of which is spent on small ones (section 4.1.3)."""
    green, blue = (_hunt_lab(np.array(colour, np.float32).reshape(3, 1, 1)) for colour in ((0, 1, 0), (0, 0, 1)))
    largest = _distance(green, blue).item()
    knee, distance = KNEE * largest, _distance(first, second)
    above = KNEE_ERROR + (distance - knee) / (largest - knee) * (1 - KNEE_ERROR)
    return np.where(distance < knee, KNEE_ERROR / knee * distance, above)


def _feature_error(first: Floats, second: Floats) -> Floats:
    """Return the difference in edges and points of two pictures of luminance (h, w), 0 to 1 (section 4.2)."""
    deviation = FEATURE_WIDTH / 2
    offsets = _offsets(deviation) / (deviation * PIXELS_PER_DEGREE)
    gaussian = np.exp(-(offsets**2) / 2)
    detectors = -offsets * gaussian, (offsets**2 - 1) * gaussian  # of edges, of points
    most = np.zeros_like(first)
    for detector in detectors:
        found = [_strength(picture, _balanced(detector), gaussian / gaussian.sum()) for picture in (first, second)]
        most = np.maximum(most, np.abs(found[0] - found[1]))
    return np.asarray((most / sqrt(2)) ** FEATURE_POWER)


def _balanced(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a kernel whose positive weights sum to 1 and whose negative ones to -1."""
    positive, negative = kernel.clip(min=0), kernel.clip(max=0)
    return np.asarray(positive / positive.sum() - negative / negative.sum())


def _strength(picture: Floats, detector: NDArray[np.float64], smooth: NDArray[np.float64]) -> Floats:
    return np.hypot(_filter(picture, smooth, detector), _filter(picture, detector, smooth))
