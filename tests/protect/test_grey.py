"""Grey in, grey out: what `protect` makes of photos in greys."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import unlearnable
from tests.conftest import picture
from tests.protect.conftest import manifest

GREYS = ("grey.png", "alpha.png", "deep.png", "bits.png", "grey.jpg", "equal.png", "equal.jpg", "grey.webp", "grey.gif")


@pytest.fixture
def greys(tmp_path):
    """A folder of grey photos, each in another way, and one in colours."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for n, name in enumerate(GREYS):
        image = Image.fromarray(picture(n)[..., 0])
        if name == "alpha.png":
            image = Image.merge("LA", (image, Image.fromarray(picture(90)[..., 0])))
        elif name == "deep.png":
            image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
        elif name == "bits.png":
            image = image.convert("1")
        elif name.startswith("equal"):
            image = image.convert("RGB")
        image.save(folder / name, lossless=True)  # of WebP
    Image.fromarray(picture(20)).save(folder / "colour.jpg")
    return folder


def check(folder, private, source, kinds):
    """Each copy in its mode, its channels equal, its change in the bound if it is lossless; no note on a loss."""
    for line in manifest(private):
        with Image.open(folder / line["output"]) as image:
            expected = "RGB" if line["source"] == "colour.jpg" else kinds.get(line["source"], kinds["others"])
            assert image.mode == expected, line["source"]
            after = np.asarray(image.convert("RGB")).astype(int)
        grey = bool((after == after[..., :1]).all())
        assert grey == (line["source"] != "colour.jpg")
        assert line["linf"] > 0
        assert line["noise_linf"] <= 8
        assert line["quality"] or line["linf"] == line["noise_linf"]
        with Image.open(source / line["source"]) as image:
            if image.mode in ("L", "RGB", "1"):
                before = np.asarray(image.convert("RGB")).astype(int)
                assert np.abs(after - before).max() == line["linf"]
        laid = line["source"] == "alpha.png" and line["output"].endswith("jpg")
        assert line["notes"] == (
            ["16 bits reduced to 8"]
            if line["source"] == "deep.png"
            else ["transparent parts laid on white"]
            if laid
            else []
        )


@pytest.mark.parametrize(
    ("file_format", "kinds"),
    [
        ("auto", {"alpha.png": "LA", "grey.webp": "RGB", "others": "L"}),
        ("jpeg", {"others": "L"}),
        ("webp", {"alpha.png": "RGBA", "others": "RGB"}),
    ],
)
def test_every_kind_of_grey_stays_grey(greys, quick, tmp_path, file_format, kinds):
    report = unlearnable.protect(greys, format=file_format, method="random", **quick)
    assert report.protected == report.photos == len(GREYS) + 1
    check(tmp_path / "photos-protected", tmp_path / "photos-protected.private", greys, kinds)
