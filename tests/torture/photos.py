"""Mutated photos: each is decoded, or refused with a reason, within seconds."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from tests.conftest import picture
from tests.torture.child import Child
from tests.torture.tally import Tally
from unlearnable.imaging.decode import DecodeError, decode

AT_ONCE = 100  # trials a process
SLOW = 20.0  # seconds
FORMATS = {
    ".jpg": ("RGB", "L", "CMYK"),
    ".png": ("RGB", "L", "P", "RGBA", "LA", "I;16"),
    ".webp": ("RGB", "RGBA"),
    ".avif": ("RGB", "RGBA"),
    ".heic": ("RGB",),
    ".tif": ("RGB", "L", "CMYK", "RGBA"),
    ".gif": ("P",),
    ".bmp": ("RGB", "L"),
}


def photos() -> list[tuple[str, bytes]]:
    """Return the suffix and bytes of a small photo of every kind, with EXIF where the format has it."""
    from pillow_heif import register_heif_opener

    register_heif_opener()
    exif = Image.Exif()
    exif.update({271: "Maker", 274: 6, 306: "2024:05:06 07:08:09"})
    found = []
    for suffix, modes in FORMATS.items():
        for number, mode in enumerate(modes):
            image = Image.fromarray(picture(number)).convert("L" if mode == "I;16" else mode.replace("LA", "L"))
            image = image.convert(mode)
            written = io.BytesIO()
            further = {} if suffix in (".gif", ".bmp") else {"exif": exif.tobytes()}
            kind = {".jpg": "JPEG", ".tif": "TIFF", ".heic": "HEIF"}.get(suffix, suffix[1:].upper())
            image.save(written, kind, **further)
            found.append((suffix, written.getvalue()))
    return found


def mutated(content: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """Return a file with a few changes: bits, lengths, cuts, repeats, parts of other files."""
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        if not data:
            break
        at = dice.randrange(len(data) if dice.random() < 0.5 else min(len(data), 200))  # headers as often as the rest
        length = dice.randint(1, 64)
        match dice.randrange(7):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                data[at : at + 4] = dice.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\1\0\0"))
            case 2:
                del data[at:]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                other = dice.choice(others)
                start = dice.randrange(len(other))
                data[at : at + length] = other[start : start + length]
            case 6:
                data[at:at] = dice.randbytes(length)
    return bytes(data)


def drill(trials: int, seed: int, folder: Path) -> Tally:
    """Decode mutated photos."""
    return in_processes(
        partial(_tried, seed=seed, kinds=photos(), folder=folder), Tally("mutated photos"), trials, seed, folder
    )


def in_processes(tried: Callable[[range], Tally], tally: Tally, trials: int, seed: int, answers: Path) -> Tally:
    """Add to a tally what came of trials, of which a process makes AT_ONCE."""
    for first in range(0, trials, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, trials))
        ended = Child(partial(tried, numbers), answers).ended(AT_ONCE * SLOW)
        if isinstance(ended.value, Tally):
            tally.add(ended.value)
        else:
            tally.faults.append(f"one of trials {numbers} of seed {seed}: signal {ended.signal}, {ended.value!r}")
    return tally


def _tried(numbers: range, seed: int, kinds: Sequence[tuple[str, bytes]], folder: Path) -> Tally:
    tally = Tally("")
    for number in numbers:
        dice = random.Random(f"photo {seed} {number}")
        suffix, content = dice.choice(kinds)
        path = folder / f"{number}{suffix}"
        path.write_bytes(mutated(content, [one for _, one in kinds], dice))
        began = time.monotonic()
        try:
            decode(path)
            tally.outcomes["decoded"] += 1
        except DecodeError as error:
            tally.outcomes[error.reason] += 1
        except Exception as error:
            tally.faults.append(f"photo {number} of seed {seed}: {type(error).__name__}: {error}")
        if time.monotonic() - began > SLOW:
            tally.faults.append(f"photo {number} of seed {seed}: took {time.monotonic() - began:.0f} s")
        path.unlink()
    return tally
