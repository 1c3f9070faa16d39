"""The files that `protect` writes: of their source's kind, or for a platform, and never without noise."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from tests.conftest import picture, tree
from unlearnable import preview, protect
from unlearnable.errors import InputError, ModelError, OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import Encoding, encode, through
from unlearnable.imaging.picture import Compression, Noisy, Picture
from unlearnable.imaging.visibility import share_kept
from unlearnable.protect import photo, write as writing
from unlearnable.protect.photo import Target, write
from unlearnable.protect.run import plan
from unlearnable.settings import ProtectSettings, resolve_as
from unlearnable.training.data import open_collection
from unlearnable.verify.cells import _random_noise
from unlearnable.verify.copies import PostPair, match, open_protected, read_both

SAVED: dict[str, dict[str, Any]] = {
    "a.jpg": {"quality": 92, "subsampling": 0, "progressive": True},
    "b.jpeg": {"quality": 60},
    "c.png": {},
    "d.webp": {"lossless": True},
    "e.webp": {"quality": 80},
    "f.heic": {"quality": 80},
    "g.bmp": {},
}


@pytest.fixture
def kinds(tmp_path):
    """A folder with a photo of every kind."""
    pillow_heif.register_heif_opener()
    (tmp_path / "photos").mkdir()
    for number, (name, options) in enumerate(SAVED.items()):
        Image.fromarray(picture(number, 60, 80)).save(tmp_path / "photos" / name, **options)
    return tmp_path / "photos"


def manifest(folder):
    lines = (folder.parent / f"{folder.name}-protected.private" / "manifest.jsonl").read_text().splitlines()
    return {line["source"]: line for line in map(json.loads, lines)}


def test_every_copy_is_of_the_kind_of_its_source(kinds, at_once):
    report = protect(kinds, **at_once)
    lines, out = manifest(kinds), kinds.parent / "photos-protected"
    names = {source: line["output"] for source, line in lines.items()}
    assert names == {
        "a.jpg": "a.jpg", "b.jpeg": "b.jpg", "c.png": "c.png", "d.webp": "d.webp", "e.webp": "e.webp",
        "f.heic": "f.jpg", "g.bmp": "g.png",
    }  # fmt: skip
    compressions = {source: decode(out / name).compression for source, name in names.items()}
    assert compressions == {
        "a.jpg": Compression(92, 0, True), "b.jpeg": Compression(85), "c.png": None, "d.webp": None,
        "e.webp": Compression(None), "f.heic": Compression(90), "g.bmp": None,
    }  # fmt: skip
    assert (report.bytes_in, report.bytes_out) == tuple(
        sum((folder / name).stat().st_size for name in found)
        for folder, found in ((kinds, names), (out, names.values()))
    )
    for source, line in lines.items():
        before, after = decode(kinds / source).pixels.astype(int), decode(out / line["output"]).pixels.astype(int)
        assert np.abs(after - before).max() == line["linf"]
        assert 0 < line["noise_linf"] <= 8
        assert (line["bytes_in"], line["bytes_out"]) == tuple(
            path.stat().st_size for path in (kinds / source, out / line["output"])
        )
        if compressions[source] is None:
            assert (line["quality"], line["encoding_linf"], line["noise_kept"]) == (None, 0, 1)
            assert line["linf"] == line["noise_linf"]
        else:
            assert line["quality"] == {"a.jpg": 92, "b.jpeg": 85, "e.webp": 90, "f.heic": 90}[source]
            assert line["encoding_linf"] > 0
            assert 0.25 < line["noise_kept"] < 1.2
    assert report.noise_linf_max <= 8 < report.linf_max
    assert any("JPEG and lossy WebP" in note for note in report.notes)


@pytest.mark.parametrize("options", [{}, {"platform": "web"}])
def test_verify_finds_every_copy_though_names_collide(kinds, at_once, options):
    for number, name in enumerate(("a.bmp", "a.png", "A.jpg", "a-2.png", "B.webp")):
        Image.fromarray(picture(20 + number, 60, 80)).save(kinds / name)
    rows = [{"image": path.name, "caption": f"photo {n}"} for n, path in enumerate(sorted(kinds.iterdir()))]
    (kinds / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    protect(kinds, **options, **at_once)
    out = kinds.parent / "photos-protected"
    originals = open_collection(kinds, None)
    pairs, skipped = match(originals, open_protected(out, originals, None))
    assert {pair.original.id: str(pair.protected.relative_to(out)) for pair in pairs} == {
        source: line["output"] for source, line in manifest(kinds).items()
    }
    assert (len(pairs), skipped) == (len(SAVED) + 5, [])


def test_lossless_files_cost_no_protection(kinds, at_once):
    report = protect(kinds, format="webp", **at_once)
    assert {path.suffix for path in (kinds.parent / "photos-protected").glob("?.*")} == {".webp"}
    assert report.linf_max == report.noise_linf_max <= 8
    assert report.noise_kept_mean == 1
    assert not any("JPEG" in note for note in report.notes)


def test_photos_for_a_platform_are_reduced_first(kinds, at_once):
    Image.fromarray(picture(9, 900, 1300)).save(kinds / "large.png")
    see_through = np.dstack([picture(3, 60, 80), np.full((60, 80), 255, np.uint8)])
    see_through[:, :40, 3] = 0
    Image.fromarray(see_through).save(kinds / "c.png")
    report = protect(kinds, platform="instagram", **at_once)
    lines, out = manifest(kinds), kinds.parent / "photos-protected"
    assert {line["output"].rpartition(".")[2] for line in lines.values()} == {"jpg"}
    large = lines["large.png"]
    assert (large["width"], large["height"]) == (1080, 747)
    assert large["notes"] == ["reduced from 1300 x 900"]
    assert decode(out / "large.jpg").pixels.shape == (747, 1080, 3)
    assert decode(out / "large.jpg").compression == Compression(90)
    assert large["psnr"] > 30  # against the original in that size
    assert lines["c.png"]["notes"] == ["transparent parts laid on white"]
    assert lines["c.png"]["psnr"] > 25
    assert (decode(out / "c.jpg").pixels[:, :30] > 235).all()
    assert report.noise_linf_max <= 8
    original, copy = read_both(_pair(kinds / "large.png", out / "large.jpg"))
    assert original.pixels.shape == copy.pixels.shape == (747, 1080, 3)
    shown = preview(kinds / "large.png", out / "large.jpg", kinds.parent / "look.png")
    for one in (kinds / "large.png", out / "large.jpg"):
        with pytest.raises(OutputError, match="one of the photos"):
            preview(kinds / "large.png", out / "large.jpg", one, overwrite=True)
    assert shown.linf == large["linf"]
    with pytest.raises(InputError, match=r"large\.jpg is 1080 x 747, its original .* is 80 x 60"):
        read_both(_pair(kinds / "a.jpg", out / "large.jpg"))


def _pair(original, copy):
    from unlearnable.posts import Photo

    return PostPair(Photo(original.name, original), copy, (), ())


def test_the_plan_knows_how_large_copies_will_be(kinds, at_once):
    Image.fromarray(picture(9, 900, 1300)).save(kinds / "large.jpg", quality=98)
    sources = {path.name: path.stat().st_size for path in kinds.iterdir()}
    options = {"photos": kinds, **at_once}
    plans = {
        name: plan(resolve_as(ProtectSettings, {**options, **more})).bytes_estimated
        for name, more in (("auto", {}), ("png", {"format": "png"}), ("instagram", {"platform": "instagram"}))
    }
    assert plans["png"] == 2 * (7 * 60 * 80 + 900 * 1300)
    assert plans["instagram"] <= plans["png"] / 2
    assert plans["auto"] < 1.3 * sum(sources.values()) + 2 * 3 * 60 * 80


def test_random_noise_beside_a_jpeg_has_the_bound_of_the_noise_not_of_the_encoding(tmp_path):
    rough = np.random.default_rng(0).integers(-20, 20, (120, 160, 3))
    photo = np.clip(picture(2, 120, 160).astype(int) + rough, 0, 255).astype(np.uint8)
    original = Picture(photo, None, None, None, "PNG")
    grid = np.random.default_rng(1).choice(np.array([-8, 8], np.int8), (3, 60, 80))
    for encoding in (Encoding("png"), Encoding("jpeg", 85, 2)):
        target = Target(original, encoding)
        protected = replace(original, pixels=Noisy(photo, grid).whole())
        encode(protected, tmp_path / f"a{encoding.suffix}", target.encoding, keep_metadata="none")
        copy = decode(tmp_path / f"a{encoding.suffix}")
        linf = np.abs(copy.pixels.astype(int) - photo).max()
        bound = np.abs(_random_noise(original, copy, 60, [0, 0]).astype(int) - photo).max()
        if encoding.lossless:
            assert bound == linf == 8
        else:
            assert 6 <= bound <= 16 < 20 < linf


def test_a_run_with_lossy_files_goes_on_to_the_same_bytes(kinds, quick, tmp_path, monkeypatch):
    protect(kinds, platform="x", output=tmp_path / "whole", **quick)
    monkeypatch.setattr(writing, "write_caption_files", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        protect(kinds, platform="x", output=tmp_path / "broken", **quick)
    monkeypatch.undo()
    second = protect(kinds, platform="x", output=tmp_path / "broken", resume=True, **quick)
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
    whole = json.loads((tmp_path / "whole.private" / "report.json").read_text())
    assert second.loss_last == whole["loss_last"]


@pytest.fixture
def fine():
    """A photo and its noise, both of 64 pixels."""
    rows, columns = np.mgrid[0:64, 0:64]
    noise = np.broadcast_to(8 * (-1) ** (rows // 2 + columns // 2), (3, 64, 64)).astype(np.int8)
    return Picture(picture(1, 64, 64), None, None, None, "PNG"), noise


def test_where_the_quality_leaves_hardly_any_noise_a_finer_one_is_taken(tmp_path, fine):
    photo, noise = fine
    settings = ProtectSettings(photos=(tmp_path,))
    made = write(Target(photo, Encoding("jpeg", 5, 2)), noise, tmp_path / "a.jpg", settings)
    assert made.noise_kept > 0.9
    assert (made.figures["quality"], made.figures["noise_linf"]) == (95, 8)
    assert decode(tmp_path / "a.jpg").compression == Compression(95, 0)
    assert np.array_equal(decode(tmp_path / "a.jpg").pixels, made.picture.pixels)
    assert made.figures["linf"] == np.abs(made.picture.pixels - photo.pixels.astype(int)).max()
    target = Target(photo, Encoding("jpeg", 90))
    made = write(target, noise, tmp_path / "b.jpg", settings)
    assert made.figures["quality"] == 90
    decoded = through(photo, target.encoding), made.picture.pixels
    assert made.noise_kept == share_kept(photo.pixels, target.noisy(noise), *decoded)


def test_a_jpeg_that_holds_none_of_its_noise_is_left_out(kinds, at_once, tmp_path, monkeypatch):
    def forget(picture, path, encoding, rows, **options):
        encode(picture, path, encoding, rows=picture.pixels if path.stem == "a" else rows, **options)

    monkeypatch.setattr(photo, "encode", forget)
    left_out = [(one.where, one.reason) for one in protect(kinds, **at_once).skipped]
    assert ("a.jpg", "too-little-noise") in left_out
    assert not (tmp_path / "photos-protected" / "a.jpg").exists()


@pytest.mark.parametrize("wanted", ["png", "jpeg"])
@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (9, OutputError, "the noise is 9/255, more than 8/255"),
        (0, ModelError, r"a\.jpg would not be protected"),  # as of noise on a place that is white already
    ],
)
def test_noise_beyond_epsilon_or_that_changes_nothing_is_refused(
    kinds, at_once, monkeypatch, wanted, value, error, said
):
    genuine = Target.noisy

    def other(target, noise):
        return genuine(target, np.full_like(noise, value))

    monkeypatch.setattr(Target, "noisy", other)
    with pytest.raises(error, match=said):
        protect(kinds, format=wanted, **at_once)
    assert not (kinds.parent / "photos-protected").exists()


def test_a_lossless_file_that_holds_something_else_is_refused(kinds, at_once, monkeypatch):
    def altered(path):
        found = decode(path)
        return replace(found, pixels=found.pixels ^ np.uint8(1))

    monkeypatch.setattr(photo, "decode", altered)
    with pytest.raises(OutputError, match="what is read back differs from what was written by 1/255"):
        protect(kinds, format="png", **at_once)
