"""Draw what each visibility looks like: parts of photos at 100 %, before and after.

python tools/visibility_picture.py OUT.png PHOTOS low=COPIES medium=COPIES high=COPIES -- NAME:LEFT,TOP ...

Each NAME is a photo without its suffix, with the corner of the square of it that is shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from unlearnable.imaging.decode import decode

SIDE, MARGIN, LINE = 220, 6, 20


def main() -> None:
    if len(sys.argv) < 6 or "--" not in sys.argv:
        raise SystemExit(__doc__)
    split = sys.argv.index("--")
    out, originals, *named = sys.argv[1:split]
    columns = [("before", Path(originals)), *((name, Path(path)) for name, path in (one.split("=") for one in named))]
    rows = sys.argv[split + 1 :]
    width, height = len(columns) * (SIDE + MARGIN) + MARGIN, LINE + len(rows) * (SIDE + MARGIN) + MARGIN
    sheet = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for x, (title, folder) in enumerate(columns):
        draw.text((MARGIN + x * (SIDE + MARGIN), 2), title, fill="black", font=font)
        for y, row in enumerate(rows):
            name, corner = row.split(":")
            left, top = map(int, corner.split(","))
            photo = next(path for path in sorted(folder.glob(f"{name}.*")) if path.suffix != ".txt")
            pixels = decode(photo).pixels[top : top + SIDE, left : left + SIDE]
            sheet.paste(Image.fromarray(pixels), (MARGIN + x * (SIDE + MARGIN), LINE + y * (SIDE + MARGIN)))
    sheet.save(out, optimize=True)


if __name__ == "__main__":
    main()
