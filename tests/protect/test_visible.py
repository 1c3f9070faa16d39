"""What a person sees of the noise, as `protect` and `preview` report it, and results of versions that did not."""

from __future__ import annotations

from statistics import fmean

import pytest

import unlearnable
from tests.protect.conftest import manifest
from unlearnable.imaging.decode import decode
from unlearnable.imaging.visibility import visibility

NEW = {"flip_mean", "flip_max", "delta_e_mean", "bytes_in", "bytes_out"}


def test_what_is_seen_is_measured_on_the_written_files(posts, quick, tmp_path):
    report = unlearnable.protect(posts, **quick)
    output, lines = tmp_path / "photos-protected", manifest(tmp_path / "photos-protected.private")
    for line in lines:
        before, after = decode(posts / line["source"]).pixels, decode(output / line["output"]).pixels
        seen = visibility(before, after)
        assert (line["flip"], line["delta_e"]) == (round(seen.flip, 5), round(seen.delta_e, 4))
        assert line["flip"] > 0
    flips = [line["flip"] for line in lines]
    assert report.flip_mean == pytest.approx(fmean(flips))
    assert report.flip_max == max(flips)
    assert report.delta_e_mean == pytest.approx(fmean(line["delta_e"] for line in lines))
    assert report.bytes_in == sum((posts / line["source"]).stat().st_size for line in lines)
    assert report.bytes_out == sum((output / line["output"]).stat().st_size for line in lines)
    page = (tmp_path / "photos-protected.private" / "report.html").read_text()
    assert page.count(f"{flips[0]:.3f}") >= 2  # below the photo, and in the table
