"""`doctor --check`: whatever is done to a protected folder afterwards is found, and nothing where nothing was done."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

from tests.cli.program import call
from unlearnable import protect
from unlearnable.errors import OutputError
from unlearnable.protect.records import check


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_path):
    """A protected folder of three photos, one from a camera, with the originals and what is none beside it."""
    from tests.conftest import CAPTIONS, picture

    root = tmp_path_factory.mktemp("check")
    photos = root / "photos"
    photos.mkdir()
    exif = Image.Exif()
    exif[0x010F], exif[0x0132] = "Acme", "2024:05:06 07:08:09"
    for n in range(3):
        Image.fromarray(picture(n)).save(photos / f"p{n}.png", exif=exif if n == 0 else None)
    (photos / "broken.jpg").write_text("no photo")
    rows = [{"image": f"p{n}.png", "caption": f"{CAPTIONS[n]} {n}"} for n in range(3)]
    (photos / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    protect(photos, captions=photos / "posts.jsonl", surrogate=(str(tiny_path),), method="random")
    return root


@pytest.fixture
def folder(made, tmp_path):
    for name in ("photos-protected", "photos-protected.private"):
        shutil.copytree(made / name, tmp_path / name)
    return tmp_path / "photos-protected"


def kinds(folder):
    result = call("doctor", "--check", folder, "--json")
    found = json.loads(result.stdout)
    assert result.returncode == (10 if found["problems"] else 0)
    return sorted((problem["kind"], problem["where"]) for problem in found["problems"])


def test_nothing_is_wrong_with_what_a_run_wrote(folder):
    result = call("doctor", "--check", folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == ("nothing is wrong: 5 files, 3 photos, 3 compared with their originals\n")


def test_originals_are_found_from_any_folder_and_by_the_names_of_single_photos(made, tmp_path, tiny_path, monkeypatch):
    monkeypatch.chdir(made)
    chosen = ["photos/p0.png", "photos/p1.png"]
    protect(
        chosen, captions="photos/posts.jsonl", output=tmp_path / "some", surrogate=(str(tiny_path),), method="random"
    )
    monkeypatch.chdir("/")
    assert check(made / "photos-protected").compared == 3
    assert check(tmp_path / "some").compared == 2


def test_an_original_that_was_changed_since_is_not_compared(made, tmp_path):
    shutil.copytree(made, tmp_path / "made")
    shutil.copy(made / "photos-protected" / "p0.png", tmp_path / "made" / "photos" / "p0.png")
    found = check(tmp_path / "made" / "photos-protected")
    assert (found.problems, found.compared) == ([], 2)


def test_what_is_gone_changed_or_extra_is_found(folder):
    (folder / "p0.png").unlink()
    shutil.move(folder / "p1.png", folder.parent / "elsewhere.png")
    (folder / "p1.png").symlink_to(folder.parent / "elsewhere.png")
    (folder / "posts.jsonl").write_text("")
    (folder / "trip").mkdir()
    (folder / "trip" / "diary.txt").write_text("dear")
    (folder / "link").symlink_to(folder.parent)
    shutil.copytree(f"{folder}.private", folder / "photos-protected.private")
    found = kinds(folder)
    assert [one for one in found if one[0] != "private"] == [
        ("changed", "posts.jsonl"),
        ("extra", "link"),
        ("extra", "trip/diary.txt"),
        ("missing", "p0.png"),
        ("missing", "p1.png"),
    ]
    assert ("private", "photos-protected.private/manifest.jsonl") in found


def test_a_photo_without_noise_or_with_a_place_in_it_or_that_is_none_is_found(folder, made):
    (folder / "p0.png").write_bytes(b"no photo")
    shutil.copy(made / "photos" / "p1.png", folder / "p1.png")
    with Image.open(folder / "p2.png") as image:
        exif = Image.Exif()
        exif.get_ifd(0x8825)[1] = "N"
        exif[0x013B] = "Ada Lovelace"
        image.save(folder / "p2.png", exif=exif)
    found = kinds(folder)
    assert {("no-noise", "p1.png"), ("unreadable", "p0.png")} < set(found)
    assert found.count(("private", "p2.png")) == 2


def test_a_manifest_that_is_emptied_is_found_without_its_checksum(folder):
    private = folder.with_name(f"{folder.name}.private")
    (private / "manifest.jsonl").write_text("")
    assert kinds(folder) == [("changed", ".")]


def test_captions_without_their_words_are_found(folder):
    rows = [json.loads(row) for row in (folder / "metadata.jsonl").read_text().splitlines()]
    rows[0]["text"] = rows[0]["text"].capitalize()  # as the beginning of a sentence
    rows[1]["text"] = "two kids at the beach 1"
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert kinds(folder) == [("changed", "metadata.jsonl"), ("no-trigger", "p1.png")]


def test_a_metadata_file_of_the_users_own_may_hold_lists_and_rows_without_a_caption(tmp_path, made, tiny_path):
    photos = tmp_path / "photos"
    shutil.copytree(made / "photos", photos)
    (photos / "posts.jsonl").unlink()
    rows = [{"file_name": f"p{n}.png", "text": [f"me at the beach {n}", f"again {n}"]} for n in range(3)]
    rows.append({"file_name": "p0.png", "text": " "})
    (photos / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    protect(photos, surrogate=str(tiny_path), method="random")
    assert kinds(tmp_path / "photos-protected") == []


def test_a_run_that_did_not_end_is_found_with_what_goes_on_with_it(folder):
    private = folder.with_name("photos-protected.private")
    (private / "report.json").unlink()
    (private / "checkpoint").mkdir()
    (private / "checkpoint" / "key").write_text("0\n")
    assert kinds(folder) == [("unfinished", ".")]
    assert check(folder).problems[0].detail.endswith("; use `resume=True`")
    (private / "earlier").mkdir()
    assert check(folder).problems[0].detail.endswith("; use `add=True`")


@pytest.mark.parametrize("kind", ["missing", "changed"])
def test_a_report_that_is_lost_or_damaged_is_no_run_to_resume(kind, made, tmp_path, tiny_path):
    shutil.copytree(made / "photos", tmp_path / "photos")
    surrogate = str(tiny_path)
    protect(tmp_path / "photos", surrogate=surrogate, method="random")
    folder, report = tmp_path / "photos-protected", tmp_path / "photos-protected.private" / "report.json"
    if kind == "missing":
        report.unlink()
    else:
        report.write_bytes(report.read_bytes()[:100])
    assert kinds(folder) == [(kind, ".")]
    detail = check(folder).problems[0].detail
    assert str(report) in detail
    if kind == "missing":
        with pytest.raises(OutputError, match="exists already"):
            protect(tmp_path / "photos", surrogate=surrogate, method="random")
    protect(tmp_path / "photos", surrogate=surrogate, overwrite=True, method="random")
    assert kinds(folder) == []


def test_a_folder_without_records_and_damaged_records_are_errors(folder, tmp_path):
    assert call("doctor", "--check", tmp_path / "nowhere").returncode == 3
    private = folder.parent / "photos-protected.private"
    for place in (tmp_path, private):
        said = call("doctor", "--check", place)
        assert (said.returncode, "is not an unlearnable output folder" in said.stderr) == (3, True)
    (private / "SHA256SUMS").unlink()
    assert call("doctor", "--check", folder, "--json").returncode == 3
