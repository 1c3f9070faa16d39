"""Take the mean of two protected copies of each photo: what somebody can do who has both.

    unlearnable protect PHOTOS --captions FILE --seed 0 --output FIRST     # and --seed 1 --output SECOND
    python tools/attacks/mean_of_two.py FIRST SECOND MEAN
    unlearnable verify PHOTOS MEAN ...

Photos become PNG, so that the mean is kept as it is; the captions are those of FIRST.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from unlearnable.imaging.decode import decode
from unlearnable.workflows.output.layout import METADATA


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("first", "second", "mean"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    rows = map(json.loads, (options.first / METADATA).read_text(encoding="utf-8").splitlines())
    lines = []
    for row in rows:
        photo = Path(row["file_name"])
        target = options.mean / photo.with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        both = [decode(folder / photo).pixels.astype(np.float32) for folder in (options.first, options.second)]
        Image.fromarray(np.rint((both[0] + both[1]) / 2).astype(np.uint8)).save(target)
        lines.append(json.dumps(row | {"file_name": photo.with_suffix(".png").as_posix()}, ensure_ascii=False) + "\n")
    (options.mean / METADATA).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
