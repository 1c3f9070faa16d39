"""What a person sees of the noise, as `protect` and `preview` report it, and results of versions that did not."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest

import unlearnable
from tests.cli.program import call
from tests.protect.conftest import manifest
from unlearnable.imaging.decode import decode
from unlearnable.imaging.visibility import visibility

NEW = {"flip_mean", "flip_max", "delta_e_mean", "bytes_in", "bytes_out"}


@pytest.fixture
def options(quick, tmp_path):
    """The same on the command line."""
    path = tmp_path / "quick.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in quick.items()))
    return "--quiet", "--config", path


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
    looked = unlearnable.preview(posts / "p0.png", output / "p0.png", tmp_path / "look.png")
    assert (looked.flip, looked.delta_e) == (lines[0]["flip"], lines[0]["delta_e"])
    page = (tmp_path / "photos-protected.private" / "report.html").read_text()
    assert page.count(f"{flips[0]:.3f}") >= 2  # below the photo, and in the table


@pytest.mark.parametrize("inside", [True, False])
def test_a_preview_is_not_put_among_the_photos_unasked(posts, tmp_path, monkeypatch, inside):
    monkeypatch.chdir(posts if inside else tmp_path)
    shown = unlearnable.preview(posts / "p0.png", posts / "p1.png")
    assert Path(shown.output).resolve() == tmp_path / "p1-preview.png"
    assert not list(posts.glob("*preview*"))


def test_a_preview_says_how_visible_the_noise_is(posts, options, tmp_path):
    call("protect", posts, "--format", "jpeg", *options)
    copy, target = tmp_path / "photos-protected" / "p0.jpg", tmp_path / "look.png"
    looked = call("preview", posts / "p0.png", copy, "--output", target, env={"COLUMNS": "80"})
    assert "FLIP 0." in looked.stdout
