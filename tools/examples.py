"""Rebuild `examples/`: the photos, their captions and their licences, from scikit-image and scikit-learn.

    python tools/examples.py        (needs scikit-learn besides the tool's own packages)

Only photos whose licence the packages themselves state are used: scikit-image in the docstrings
of `skimage.data`, scikit-learn in `sklearn/datasets/images/README.txt`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image
from PIL.ExifTags import Base

EXAMPLES = Path(__file__).parent.parent / "examples"
LONG_SIDE = 640
TURNED = "chelsea.jpg"  # stored lying on its side, as a phone does, with the orientation in EXIF
CC0 = "[CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/)"
CC_BY = "[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/)"
PUBLIC_DOMAIN = "public domain"


@dataclass(frozen=True)
class Example:
    """One photo with its source, author, licence and captions.

    Attributes:
        file: path below `examples/photos`.
        source: package and path of the photo inside it.
        author: author as the package names them.
        licence: licence as the package states it.
        link: address of the original; empty if the package gives none.
        captions: invented captions.
    """

    file: str
    source: str
    author: str
    licence: str
    link: str
    captions: tuple[str, ...]


PHOTOS = [
    Example(
        "astronaut.jpg",
        "skimage/data/astronaut.png",
        "NASA; the astronaut is Eileen Collins",
        PUBLIC_DOMAIN,
        "https://flic.kr/p/r9qvLn",
        ("She came to our school in her orange suit and answered every single question.",),
    ),
    Example(
        "camera.jpg",
        "skimage/data/camera.png",
        "Lav Varshney",
        CC0,
        "https://github.com/scikit-image/scikit-image/issues/3927",
        ("Jonas Feldt and his tripod, up before everyone else on the lawn again.",),
    ),
    Example(
        "chelsea.jpg",
        "skimage/data/chelsea.png",
        "Stefan van der Walt",
        CC0,
        "",
        ("Chelsea judging me for being home late.", "A ginger cat looks straight into the camera."),
    ),
    Example(
        "clock.png",
        "skimage/data/clock_motion.png",
        "Stefan van der Walt",
        PUBLIC_DOMAIN,
        "",
        ("Ran past the station clock and this is all I got of it.",),
    ),
    Example(
        "coffee.webp",
        "skimage/data/coffee.png",
        "Rachel Michetti, courtesy of Pikolo Espresso Bar",
        CC0,
        "",
        ("Mira Okonkwo pulled this espresso and now my Monday is saved.",),
    ),
    Example(
        "coins.jpg",
        "skimage/data/coins.png",
        "Brooklyn Museum",
        "no known copyright restrictions",
        "https://www.brooklynmuseum.org/opencollection/archives/image/51611",
        ("Rows of Greek coins from Pompeii at the museum today, some worn almost flat.",),
    ),
    Example(
        "flower.jpg",
        "sklearn/datasets/images/flower.jpg",
        "the package's note names danielbuechele and links to vultilion's photos",
        CC_BY,
        "https://www.flickr.com/photos/vultilion/6056698931/sizes/z/in/photostream/",
        ("First bloom in Grandma Ilse's garden this year!",),
    ),
    Example(
        "retina.jpg",
        "skimage/data/retina.jpg",
        "Mikael Häggström",
        CC0,
        "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
        ("Eye check done: this is what the back of a healthy left eye looks like.",),
    ),
    Example(
        "garden/brick.jpg",
        "skimage/data/brick.png",
        "CC0Textures",
        CC0,
        "https://cc0textures.com/view.php?tex=Bricks25",
        ("Tomasz Brandt finished the patio, every brick laid by hand.",),
    ),
    Example(
        "garden/grass.jpg",
        "skimage/data/grass.png",
        "linolafett",
        CC0,
        "https://www.deviantart.com/linolafett/art/Grass-01-434853879",
        ("Lying face down in the grass is a valid way to spend a Sunday.",),
    ),
    Example(
        "garden/gravel.jpg",
        "skimage/data/gravel.png",
        "CC0Textures",
        CC0,
        "https://cc0textures.com/view.php?tex=Gravel04",
        ("Two tons of gravel later, the path is done.",),
    ),
    Example(
        "travel/china.jpg",
        "sklearn/datasets/images/china.jpg",
        "danielbuechele",
        CC_BY,
        "https://www.flickr.com/photos/danielbuechele/6061409035/sizes/z/in/photostream/",
        ("Summer Palace with Leila Haddad, blue sky over the temple roofs.",),
    ),
    Example(
        "travel/hubble.jpg",
        "skimage/data/hubble_deep_field.jpg",
        "NASA, Hubble Space Telescope",
        PUBLIC_DOMAIN,
        "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
        ("Every dot here is a galaxy. The planetarium show left me speechless.",),
    ),
    Example(
        "travel/rocket.jpg",
        "skimage/data/rocket.jpg",
        "SpaceX",
        PUBLIC_DOMAIN,
        "https://www.flickr.com/photos/spacexphotos/16511594820/in/photostream/",
        ("Stayed up with Noor Castellan for this: the rocket on the pad an hour before lift-off.",),
    ),
]


def main() -> None:
    for example in PHOTOS:
        write_photo(example)
    rows = [json.dumps(row(example), ensure_ascii=False) for example in PHOTOS]
    (EXAMPLES / "posts.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (EXAMPLES / "LICENSES.md").write_text(licences(), encoding="utf-8")


def write_photo(example: Example) -> None:
    package, _, rest = example.source.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed")
    target = EXAMPLES / "photos" / example.file
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(Path(spec.origin).parent / rest) as image:
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        image.info.clear()  # drop profile and metadata of the package's file
        match target.suffix:
            case ".png":
                image.save(target, optimize=True)
            case ".webp":
                image.save(target, quality=88, method=6)
            case _ if example.file == TURNED:
                exif = Image.Exif()
                exif[Base.Orientation] = 6
                image.transpose(Image.Transpose.ROTATE_90).save(target, quality=88, exif=exif)
            case _:
                image.save(target, quality=88)


def row(example: Example) -> dict[str, str | list[str]]:
    image = f"photos/{example.file}"
    if len(example.captions) == 1:
        return {"image": image, "caption": example.captions[0]}
    return {"image": image, "captions": list(example.captions)}


def licences() -> str:
    lines = [
        "# Where the example photos come from",
        "",
        "Written by `tools/examples.py`. Authors and licences are as the packages that bundle the photos state them:",
        "scikit-image in the docstrings of `skimage.data`, scikit-learn in `sklearn/datasets/images/README.txt`.",
        f"Every photo was reduced to at most {LONG_SIDE} pixels and compressed again; `{TURNED}` is stored turned,",
        "with its EXIF orientation. The captions, and the people named in them, are invented.",
        "",
        "| photo | taken from | author | licence | original |",
        "|---|---|---|---|---|",
    ]
    for example in PHOTOS:
        link = f"<{example.link}>" if example.link else "-"
        cells = (f"`{example.file}`", f"`{example.source}`", example.author, example.licence, link)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
