"""Draw the README's picture: a photo, its protected copy, and the noise between them, ten times stronger.

python tools/picture.py ORIGINAL PROTECTED OUT.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from unlearnable.imaging.decode import decode
from unlearnable.report.pictures import amplified

SIDE, MARGIN, LINE = 300, 8, 22


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original", type=Path)
    parser.add_argument("protected", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    original, protected = decode(arguments.original).pixels, decode(arguments.protected).pixels
    noise = amplified(original, protected)
    titles = ("before", "after: what you post", "the noise, ten times stronger")
    sheet = Image.new("RGB", (3 * SIDE + 4 * MARGIN, SIDE + LINE + 2 * MARGIN), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for n, (pixels, title) in enumerate(zip((original, protected, noise), titles, strict=True)):
        edge = min(pixels.shape[:2])
        top, left = (pixels.shape[0] - edge) // 2, (pixels.shape[1] - edge) // 2
        square = Image.fromarray(pixels[top : top + edge, left : left + edge]).resize((SIDE, SIDE))
        x = MARGIN + n * (SIDE + MARGIN)
        sheet.paste(square, (x, LINE + MARGIN))
        draw.text((x, MARGIN / 2), title, fill="black", font=font)
    sheet.save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
