"""Whether a copy is still that of the photo that has its original's name."""

from __future__ import annotations

from pathlib import Path

from unlearnable.imaging.copied import as_copied, is_reduced
from unlearnable.imaging.decode import decode
from unlearnable.imaging.visibility import compare
from unlearnable.results import ManifestLine

SAME_DB = 0.01  # the manifest has three decimals; to blur a thousandth of a photo takes more


def shows_another(photo: Path, copy: Path, line: ManifestLine) -> bool:
    """Return whether a photo has other pixels than that of which its copy was made, as far as the PSNR of both tells.

    What programs write beside the pixels, as a rating, makes no other photo of it.

    Args:
        photo: file of the photo.
        copy: file of the copy.
        line: what the manifest says of the copy.

    Raises:
        DecodeError: one of both cannot be read.
    """
    now, written = decode(photo), decode(copy)
    if not is_reduced(now, written):
        return True
    distance = compare(as_copied(now, written).pixels, written.pixels).psnr
    return line.psnr is not None and abs(distance - line.psnr) > SAME_DB
