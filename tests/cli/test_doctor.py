"""The commands that say what is installed, as a shell sees them."""

from __future__ import annotations

import json

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from tests.cli.program import call
from unlearnable.imaging.metadata import prohibit


@pytest.mark.parametrize("name", ["methods", "formats", "models", "attacks", "attackers"])
def test_lists(name):
    result = call("list", name, "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)[name]
    assert all(row["name"] and row["summary"] for row in rows)
    known = {"methods": "mem", "formats": "coco", "models": "small", "attacks": "jpeg-75", "attackers": "cutmix"}
    assert known[name] in [row["name"] for row in rows]


def test_values_that_one_copies_are_whole(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = call("list", "models").stdout
    assert "…" not in shown
    tags = [tag for line in shown.splitlines() for tag in line.split() if ":" in tag]
    assert len(tags) > 50
    found = json.loads(call("doctor", "--json").stdout)
    shown = call("doctor").stdout
    for name in ("bundled_sha256", "bundled_model", "state_folder", "weights_cache"):
        assert found[name] in shown


def test_datasets_are_listed_with_where_they_can_be_had():
    result = call("list", "datasets", "--json")
    names = {row["name"]: row["summary"] for row in json.loads(result.stdout)["datasets"]}
    assert names.keys() == {"flickr8k", "flickr30k", "coco", "pubfig"}
    assert "https://" in names["coco"]


def test_doctor_says_that_the_bundled_model_is_intact():
    result = call("doctor", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["bundled_intact"] is True
    assert found["language_model_intact"] is True
    assert found["packages"]["torch"] != "missing"
    assert call("--version").stdout.startswith("unlearnable ")


def test_doctor_says_what_a_photo_tells(tmp_path):
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (20, 20)).save(photo)
    told = call("doctor", photo)
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, "opt-out: none")
    exif = Image.Exif()
    exif[Base.Artist] = "Ada [bold]Example"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] = "N"
    Image.new("RGB", (20, 20)).save(photo, exif=exif.tobytes(), xmp=prohibit(None))
    assert call("doctor", photo).stdout.splitlines() == [
        "opt-out: DMI-PROHIBITED-AIMLTRAINING",
        "name: Artist = Ada [bold]Example (EXIF)",
        "place: GPS = 1 value (EXIF)",
    ]
    found = json.loads(call("doctor", photo, "--json").stdout)
    assert found["opt_out"] == "DMI-PROHIBITED-AIMLTRAINING"
    assert found["found"][0] == {"block": "EXIF", "kind": "name", "name": "Artist", "value": "Ada [bold]Example"}


@pytest.mark.parametrize(("name", "kind"), [("a.MOV", "video"), ("a.DNG", "raw photo")])
def test_doctor_says_of_a_video_that_it_is_one(name, kind, tmp_path):
    (tmp_path / name).write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    failed = call("doctor", tmp_path / name)
    assert failed.returncode == 3
    assert failed.stderr.startswith(f"error: {tmp_path / name} is a {kind}, which cannot be protected\n")


def test_schemas_are_listed():
    schemas = json.loads(call("list", "schemas").stdout)["schemas"]
    assert schemas["ProtectReport"]["properties"]["linf_max"]["type"] == "integer"
    assert "VerifyReport" in schemas


def test_doctor_says_what_a_run_on_a_device_would_use():
    assert json.loads(call("doctor", "--json", "--device", "cpu").stdout)["device"] == "cpu"
    refused = call("doctor", "--device", "mps")
    assert refused.returncode != 0
    assert "mps" in refused.stderr
