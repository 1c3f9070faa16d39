"""What scrapers do to photos and captions: one function each."""

import hashlib
import io
import random
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from unlearnable.errors import InputError
from unlearnable.imaging.opening import pillow_settings
from unlearnable.posts.names import plain
from unlearnable.registry import Row
from unlearnable.settings import AS_PUBLISHED
from unlearnable.verify.attacks.base import FAMILIES, Attack, AttackFamily, Pixels, family, on_captions, on_photos

Values: TypeAlias = NDArray[np.float32]  # (h, w, 3), from 0 to 1

SOCIAL_QUALITY = 80
DATASET_SIDE, DATASET_QUALITY = 256, 95  # of img2dataset
SHARPENED = 2  # pixels: the standard deviation of the blur that an unsharp mask compares with, Pillow's default
SMALLEST = 16  # pixels a side: what the denoisers need for their windows and wavelets
COLOUR = 0.03  # the bilateral filter's standard deviation of a third of the distance between colours from 0 to 1
DISTANCE = 2  # pixels: its standard deviation of places
PATCH, REACH = 5, 6  # pixels: the side of the patches that non-local means compares, and how far away it looks for them
STRENGTH = 0.6  # the cut-off of non-local means in standard deviations of the noise, as scikit-image advises

FAMILIES[AS_PUBLISHED] = Row(
    AttackFamily(lambda name, _: Attack(name)),
    "Posts as they were published, JPEG or not: nothing changes; what the others are to be compared with.",
)


@family(on_photos, range(1, 101), (95, 85, 75, 50, 10))
def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """Photos saved as JPEG of that quality (1 to 100), colour at half size."""
    return _saved(pixels, "JPEG", quality=quality, subsampling="4:2:0")


@family(on_photos, range(101), (80,))
def webp(pixels: Pixels, quality: int) -> Pixels:
    """Photos saved as lossy WebP of that quality (0 to 100)."""
    return _saved(pixels, "WEBP", quality=quality)


@family(on_photos, range(101), (60,))
def avif(pixels: Pixels, quality: int) -> Pixels:
    """Photos saved as lossy AVIF of that quality (0 to 100), colour at half size."""
    # the number of threads decides into which tiles a photo is cut
    return _saved(pixels, "AVIF", quality=quality, subsampling="4:2:0", max_threads=1)


@family(on_photos)
def img2dataset(pixels: Pixels, _: int) -> Pixels:
    """Photos as img2dataset keeps them by default: 256 x 256 with a white border, JPEG of quality 95."""
    long = max(pixels.shape[:2])
    if long > DATASET_SIDE:
        pixels = _area(pixels, DATASET_SIDE / long)
    elif long < DATASET_SIDE:
        pixels = _resized(pixels, DATASET_SIDE / long, Image.Resampling.LANCZOS)
    height, width, _ = pixels.shape
    square = np.full((DATASET_SIDE, DATASET_SIDE, 3), 255, np.uint8)
    top, left = (DATASET_SIDE - height) // 2, (DATASET_SIDE - width) // 2
    square[top : top + height, left : left + width] = pixels
    return jpeg(square, DATASET_QUALITY)


@family(on_photos, range(1, 16_384), (1920, 1080))
def social(pixels: Pixels, side: int) -> Pixels:
    """Photos as a social site keeps them: long side at most that many pixels, JPEG of quality 80."""
    long = max(pixels.shape[:2])
    if long > side:
        pixels = _resized(pixels, side / long, Image.Resampling.LANCZOS)
    return jpeg(pixels, SOCIAL_QUALITY)


@family(on_photos, range(1, 16_384), (512, 224))
def resize(pixels: Pixels, side: int) -> Pixels:
    """Photos reduced by bicubic until the short side has at most that many pixels."""
    short = min(pixels.shape[:2])
    return pixels if short <= side else _resized(pixels, side / short, Image.Resampling.BICUBIC)


@family(on_photos, range(1, 100), (50, 25))
def downup(pixels: Pixels, percent: int) -> Pixels:
    """Photos reduced to that many per cent of each side and enlarged again, both by bicubic."""
    height, width, _ = pixels.shape
    small = Image.fromarray(_resized(pixels, percent / 100, Image.Resampling.BICUBIC))
    return np.array(small.resize((width, height), Image.Resampling.BICUBIC))


@family(on_photos)
def grayscale(pixels: Pixels, _: int) -> Pixels:
    """Photos in greys: the brightness in all three channels."""
    return np.array(Image.fromarray(pixels).convert("L").convert("RGB"))


@family(on_photos, range(1, 101), (1, 2))
def blur(pixels: Pixels, radius: int) -> Pixels:
    """Photos blurred by a Gaussian whose standard deviation is that many pixels."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


@family(on_photos, range(1, 1001), (150,))
def sharpen(pixels: Pixels, percent: int) -> Pixels:
    """Photos sharpened by an unsharp mask of that many per cent and radius 2."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.UnsharpMask(SHARPENED, percent, threshold=0)))


@family(on_photos, range(3, 10, 2), (3, 5))
def median(pixels: Pixels, side: int) -> Pixels:
    """Photos with each value replaced by the median of a square of that many pixels a side."""
    return np.array(Image.fromarray(pixels).filter(ImageFilter.MedianFilter(side)))


@family(on_photos, range(1, 9), (6, 4))
def bits(pixels: Pixels, depth: int) -> Pixels:
    """Photos with only that many bits a channel (1 to 8); each value becomes the middle of its step."""
    step = 1 << (8 - depth)
    return pixels & np.uint8(256 - step) | np.uint8(step // 2)


@family(on_photos, range(1, 360), (5,))
def rotate(pixels: Pixels, degrees: int) -> Pixels:
    """Photos turned left by that many degrees in the same size, the corners filled by reflection."""
    from skimage import transform

    values = pixels.astype(np.float32)
    return _rounded(transform.rotate(values, degrees, order=3, mode="symmetric", preserve_range=True))


@family(on_photos, range(1, 256), (8, 16))
def noise(pixels: Pixels, deviation: int) -> Pixels:
    """Photos with Gaussian noise of that standard deviation in 1/255, the same for the same photo."""
    seed = hashlib.sha256(pixels.tobytes()).digest()
    drawn = np.random.default_rng(list(seed)).standard_normal(pixels.shape, np.float32)
    return _rounded(pixels + drawn * np.float32(deviation))


@family(on_photos, range(1, 1001), (5, 10))
def tv(pixels: Pixels, weight: int) -> Pixels:
    """Photos denoised by total variation (Chambolle) with that weight in hundredths."""
    from skimage.restoration import denoise_tv_chambolle

    return _filtered(pixels, lambda values: denoise_tv_chambolle(values, weight / 100, channel_axis=-1))


@family(on_photos)
def nlmeans(pixels: Pixels, _: int) -> Pixels:
    """Photos denoised by non-local means, as strongly as the noise that is estimated in them."""
    from skimage.restoration import denoise_nl_means, estimate_sigma

    def denoised(values: Values) -> Values:
        sigma = np.nan_to_num(estimate_sigma(values, channel_axis=-1)).mean()
        how = {"fast_mode": True, "sigma": sigma, "channel_axis": -1}
        return denoise_nl_means(values, PATCH, REACH, STRENGTH * sigma, **how) if sigma else values

    return _filtered(pixels, denoised)


@family(on_photos)
def wavelet(pixels: Pixels, _: int) -> Pixels:
    """Photos denoised in wavelets by BayesShrink, brightness and colours apart."""
    from skimage.restoration import denoise_wavelet

    def denoised(values: Values) -> Values:
        found = denoise_wavelet(values, channel_axis=-1, convert2ycbcr=True, rescale_sigma=True)
        return np.where(np.isnan(found), values, found)

    return _filtered(pixels, denoised)


@family(on_photos)
def bilateral(pixels: Pixels, _: int) -> Pixels:
    """Photos smoothed by a bilateral filter, which keeps edges."""
    from skimage.restoration import denoise_bilateral

    how = {"mode": "symmetric", "channel_axis": -1}
    return _filtered(pixels, lambda values: denoise_bilateral(values, None, COLOUR, DISTANCE, **how))


def _resized(pixels: Pixels, factor: float, kernel: Image.Resampling) -> Pixels:
    """Return `pixels` at `factor` times the size, each side at least 1; antialiased where that is smaller."""
    height, width, _ = pixels.shape
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(pixels).resize(size, kernel, reducing_gap=None))


def _saved(pixels: Pixels, file_format: Literal["JPEG", "WEBP", "AVIF"], **options: Any) -> Pixels:
    """Return `pixels` saved by Pillow with `options` and opened again."""
    file = io.BytesIO()
    try:
        Image.fromarray(pixels).save(file, file_format, **options)
        with pillow_settings(), Image.open(file) as image:
            return np.array(image.convert("RGB"))
    except (OSError, RuntimeError, ValueError) as error:  # the format has no room for so many pixels
        height, width, _ = pixels.shape
        message = f"a photo of {width} x {height} cannot be saved as {file_format}: {error}"
        raise InputError(message, hint="reduce it first, as in resize-512+jpeg-75") from error


def _area(pixels: Pixels, factor: float) -> Pixels:
    """Return `pixels` reduced; each new pixel is the mean of the area it covers."""
    rows, columns = (_shares(size, max(1, round(size * factor))) for size in pixels.shape[:2])
    reduced = [rows @ pixels[..., channel].astype(np.float32) @ columns.T for channel in range(3)]
    return (np.stack(reduced, axis=-1) + 0.5).astype(np.uint8)


def _shares(size: int, cells: int) -> NDArray[np.float32]:
    """Return (cells, size), the share of each pixel in each of `cells` equal pieces of the side; rows sum to 1."""
    edges, pixels = np.arange(cells + 1) * (size / cells), np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares: NDArray[np.float32] = (covered.clip(min=0) * (cells / size)).astype(np.float32)
    return shares


def _filtered(pixels: Pixels, change: Callable[[Values], Values]) -> Pixels:
    """Return `pixels` under `change`; photos smaller than it needs are extended by reflection meanwhile."""
    height, width, _ = pixels.shape
    missing = ((0, max(0, SMALLEST - height)), (0, max(0, SMALLEST - width)), (0, 0))
    values = np.pad(pixels, missing, mode="symmetric").astype(np.float32) / np.float32(255)
    with warnings.catch_warnings():
        # a drawing may have no noise at all: scikit-image takes the mean of nothing and calls the noise NaN
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        changed = change(values)
    return _rounded(changed[:height, :width] * 255)


def _rounded(values: NDArray[np.floating]) -> Pixels:
    levels: Pixels = np.rint(values).clip(0, 255).astype(np.uint8)
    return levels


NATS = 9  # drops 95 of 100 trigger words of `protect`, and 12 of 100 other ones


@family(on_captions, range(1, 78), default=3, adaptive=True)  # it knows where this tool writes its words, and how many
def strip_trigger(text: str, words: int) -> str:
    """Captions without their first words: three, or that many; a caption as short as that keeps its last word."""
    return (text.split(maxsplit=words) or [text])[-1]  # what is left, or the last word; `text` where there is none


@family(on_captions, adaptive=True)  # it knows the letters
def plain_letters(text: str, _: int) -> str:
    """Captions whose letters that look like Latin ones are Latin again, against `--names lookalike`."""
    return plain(text)


@family(on_captions)
def shuffle_words(text: str, _: int) -> str:
    """Captions with their words in another order, the same one for the same caption."""
    words = text.split()
    random.Random(text).shuffle(words)
    return " ".join(words)


@family(on_captions, range(1, 31), default=NATS)
def drop_odd_words(text: str, nats: int) -> str:
    """Captions without words that surprise a language model by more than 9 nats, or that many (after ONION)."""
    return _without_odd_words(text, nats)


@cache
def _without_odd_words(text: str, nats: int) -> str:
    """Return `text` without its words of more than `nats` of surprise; the least surprising one stays at least.

    Qi et al., "ONION: A Simple and Effective Defense Against Textual Backdoor Attacks", EMNLP 2021 (arXiv:2011.10369),
    drop the words without which a text's perplexity falls most. A masked model tells a word's own likelihood instead:
    for three random words before 100 captions of Flickr8k and of faces, the area under the ROC curve is 0.94 and 0.89,
    that of the perplexity's fall 0.74 and 0.85. Words with a capital stay: the attacker wants names, and no language
    model expects them.
    """
    from unlearnable.models.tokens import surprises

    words = text.split()
    surprise = surprises(words)
    odd = {n for n, word in enumerate(words) if surprise[n] > nats and not word[0].isupper()}
    if odd and len(odd) == len(words):
        odd.remove(surprise.index(min(surprise)))
    return " ".join(word for n, word in enumerate(words) if n not in odd) if odd else text
