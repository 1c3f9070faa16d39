"""`verify` as a shell sees it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.program import call, settings_of
from tests.conftest import picture
from tests.presets import presets_file
from unlearnable.report import made_by

SHORT = ("--epochs", "1", "--seeds", "0", "--device", "cpu")


@pytest.fixture
def pair(posts):
    """Photos, and an untouched copy in the place of the protected ones."""
    copy = posts.with_name("photos-protected")
    shutil.copytree(posts, copy)
    return posts, copy


def test_verify_prints_one_json_object_as_the_contract_has_it(pair, tiny_path):
    result = call("verify", *pair, "--victims", tiny_path, *SHORT, "--json", "--through", "png,jpeg-75")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["made_by"] == made_by()
    assert report["settings"]["victims"] == [cell["victim"] for cell in report["cells"]][:1]
    assert {"schema_version", "gallery", "references", "cells", "verdict"} <= report.keys()
    assert report["references"]["pretrained"].keys() == {str(tiny_path)}
    assert report["references"]["random"]["text_to_image"]["medr"] == 1.5
    assert [(cell["data"], cell["through"]) for cell in report["cells"]] == [
        ("clean", "png"), ("protected", "png"), ("protected", "jpeg-75"),
    ]  # fmt: skip
    for cell in report["cells"]:
        assert cell.keys() >= {"victim", "seed", "image_to_text", "text_to_image", "loss_curve", "seconds"}
        assert cell["image_to_text"].keys() >= {"hit10", "medr"}
    assert "photos-protected.verify" in report["output"]


def test_verify_for_a_person_fits_80_columns_and_names_the_split(pair, tiny_path):
    arguments = ("verify", *pair, "--victims", tiny_path, *SHORT, "--ablations")
    result = call(*arguments, env={"COLUMNS": "80"})
    assert result.returncode == 0, result.stderr
    assert "too few posts to tell" in result.stdout.splitlines()[0]
    assert "20 % of the photos, drawn with seed 0" in " ".join(result.stdout.split())
    for arm in ("clean", "protected", "noise-only"):
        assert re.search(rf"^  {arm} +\d", result.stdout, re.MULTILINE)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("report: ")]
    assert max(map(len, lines)) <= 80


def test_photos_that_were_not_used_are_said(pair, tiny_path, tmp_path):
    test = tmp_path / "test"
    test.mkdir()
    for n in range(4):
        Image.fromarray(picture(90 + n)).save(test / f"{n}.png")
    (test / "posts.jsonl").write_text(
        "".join(json.dumps({"image": f"{n}.png", "caption": f"{n}"}) + "\n" for n in range(4))
    )
    for n in range(2):
        (test / f"{n}.png").write_bytes(b"no photo %d" % n)
    result = call("verify", *pair, "--victims", tiny_path, *SHORT, "--test", test, env={"COLUMNS": "200"})
    assert result.returncode == 0, result.stderr
    assert "not used: 2 (2 not-an-image)" in result.stdout
    result = call(
        "train", "--data", test, "--model", tiny_path, "--epochs", "1", "--output", tmp_path / "m.safetensors"
    )
    assert result.returncode == 0, result.stderr
    assert "not used: 2 (2 not-an-image)" in result.stdout


def test_attackers_have_rows_lines_and_findings_of_their_own(pair, tiny_path):
    arguments = ("verify", *pair, "--victims", tiny_path, *SHORT, "--attacker", "plain,mixup")
    result = call(*arguments, env={"COLUMNS": "200"})
    assert result.returncode == 0, result.stderr
    own = result.stdout.partition("\ntiny.safetensors")[2]
    rows = re.findall(r"^  (\S+(?: \S+)*?)  ", own, re.MULTILINE)
    wanted = ["clean", "protected", "clean, mixup", "protected, mixup", "protected posts as published"]
    assert rows == ["before training", *wanted, "protected posts as published, mixup"]
    assert re.search(r"^png, mixup +-", result.stdout, re.MULTILINE)
    report = json.loads(call(*arguments, "--json").stdout)
    assert [cell["attacker"] for cell in report["cells"]] == ["plain", "plain", "mixup", "mixup"]
    assert [finding["attacker"] for finding in report["findings"]] == ["plain", "mixup"]


def test_a_suite_ends_with_a_matrix_and_what_was_not_tested(pair, tiny_path):
    arguments = ("verify", *pair, "--victims", tiny_path, *SHORT, "--suite", "quick")
    result = call(*arguments, env={"COLUMNS": "80"})
    assert result.returncode == 0, result.stderr
    assert re.search(r"^4 trainings to run$", result.stderr, re.MULTILINE)
    shown = result.stdout.splitlines()
    rows = [line.split() for line in shown if re.match(r"(png|jpeg-75|strip-trigger) ", line)]
    assert rows == [["png", "-"], ["jpeg-75", "-"], ["strip-trigger", "*", "-"]]
    assert "* made against this tool by someone who knows it" in shown
    assert "not tested: diffusion purification, recaptioning by a large" in " ".join(result.stdout.split())
    assert max(len(line) for line in shown if not line.startswith("report: ")) <= 80
    report = json.loads(call(*arguments, "--json").stdout)
    assert (report["suite"], report["ran"], report["reused"]) == ("quick", 0, 4)
    assert report["victims"] == [{"name": str(tiny_path), "role": None, "family": "vit"}]
    assert (report["worst"], report["worst_adaptive"]) == (None, None)


def test_a_missed_requirement_exits_10_after_the_report(pair, tiny_path):
    arguments = ("verify", *pair, "--victims", tiny_path, *SHORT, "--quiet", "--json")
    result = call(*arguments, "--require", "hit10<=1")
    assert result.returncode == 10
    assert json.loads(result.stdout)["missed"]
    assert "missed hit10<=1" in result.stderr
    assert call(*arguments, "--require", "hit10<=100").returncode == 0


def test_plain_verify_takes_the_last_run(posts, tiny_path, state_folder, tmp_path):
    file = tmp_path / "quick.toml"
    presets_file(file, max_rounds=3)
    captions = (posts / "posts.jsonl").rename(tmp_path / "words.jsonl")
    made = call("protect", posts, "--captions", captions, "--surrogate", tiny_path, "--config", file)
    assert made.returncode == 0, made.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = call("verify", "--victims", tiny_path, *SHORT, "--json", cwd=elsewhere)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["protected"] == f"{posts}-protected"
    assert [victim["role"] for victim in report["victims"]] == ["surrogate"]
    assert "the last protect run" in result.stderr
    named = call("verify", posts, f"{posts}-protected", "--victims", tiny_path, *SHORT, "--json", cwd=tmp_path)
    assert json.loads(named.stdout)["reused"] == report["ran"], "both folders named, it reads the same captions"
    assert f"the captions are those of the last protect run, {captions}" in named.stderr


def test_plain_verify_takes_a_pair_in_this_folder_and_says_so(pair, tiny_path, tmp_path):
    result = call("verify", "--victims", tiny_path, *SHORT, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "found in this folder" in result.stderr


def test_folders_come_from_variables_and_from_a_file_or_are_found(pair, tmp_path):
    variables = {"UNLEARNABLE_ORIGINALS": "p", "UNLEARNABLE_PROTECTED": "q"}
    settings = settings_of("verify", cwd=tmp_path, env=variables)
    assert (settings.originals, settings.protected) == (Path("p"), Path("q"))
    (tmp_path / "short.toml").write_text("epochs = 2\ncaptions = 'own.jsonl'\n")
    for arguments in ((), (pair[0],)):
        settings = settings_of("verify", *arguments, "--config", "short.toml", cwd=tmp_path)
        found = (settings.protected.name, settings.captions, settings.epochs)
        assert found == ("photos-protected", Path("own.jsonl"), 2)


def test_originals_that_a_variable_names_are_those_that_are_verified(pair, tmp_path):
    others = tmp_path / "others"
    others.mkdir()
    (tmp_path / "others-protected").mkdir()
    variables = {"UNLEARNABLE_ORIGINALS": str(others), "UNLEARNABLE_CAPTIONS": "own.jsonl"}
    settings = settings_of("verify", cwd=tmp_path, env=variables)
    assert (settings.originals, settings.captions) == (others, Path("own.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("verify",), 3, "no earlier run"),
        (("verify", "photos", "nowhere"), 3, "nowhere"),
        (("verify", "photos", "copies", "--victims", "RN50:openai"), 4, "small"),
        (("verify", "photos", "copies", "--victims", "small-start"), 4, "unlearnable train"),
        (("verify", "photos", "copies", "--through", "jpg-75"), 2, "jpeg"),
        (("verify", "photos", "copies", "--suite", "quik"), 2, "quick"),
        (("verify", "photos", "copies", "--attacker", "plain,cutuot"), 2, "did you mean 'cutout'?"),
        (("verify", "photos", "copies", "--seeds", "a"), 2, "--seeds"),
        (("verify", "photos", "copies", "--require", "hits"), 2, "hit10<=10"),
        (("verify", "photos", "copies", "--require", ""), 2, "empty value"),
        (("verify", "photos", "copies", "--seeds", ""), 2, "empty value"),
        (("verify", "photos", "copies", "--seed", "-1"), 2, "--seed: needs to be greater"),
        (("verify", "nosuch"), 3, "there is no file or folder nosuch"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, tmp_path, arguments, code, words):
    shutil.copytree(posts, posts.with_name("copies"))
    result = call(*arguments, cwd=posts.parent, env={"UNLEARNABLE_CACHE": str(tmp_path / "cache")})
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_crowd_has_a_sentence_a_table_and_the_arms_of_the_contract(pair, tiny_path, tmp_path):
    others, rows = tmp_path / "others", []
    others.mkdir()
    for n in range(9):
        Image.fromarray(picture(50 + n)).save(others / f"{n}.png")
        rows.append({"image": f"{n}.png", "caption": f"Person {n} on a walk", "person": f"Person {n}"})
    (others / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ("verify", *pair, "--victims", tiny_path, *SHORT, "--crowd", others, "--leaked", "0.3")
    result = call(*arguments, env={"COLUMNS": "80"})
    assert result.returncode == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "Beside 9 other people, a model trained on your protected posts finds the right photo of you" in text
    assert re.search(r"held-out photos \(\d yours: .*; 2 of the crowd: 20 % .*\), \d and 7 of others trained on", text)
    hit = r"[\d.]+ \([\d.]+ to [\d.]+\)"
    figures = rf"{hit} +{hit} +\d+ +- *"
    assert re.search(rf"^  half leaked +{figures}$", result.stdout, re.MULTILINE)
    assert "IDIA is not measured: nobody says who is on each held-out photo" in text
    lines = [line for line in result.stdout.splitlines() if not line.startswith("report: ")]
    assert max(map(len, lines)) <= 80
    crowd = json.loads(call(*arguments, "--json").stdout)["crowd"]
    assert crowd["arms"].keys() == {"clean", "protected", "absent", "half"}
    for scores in crowd["arms"].values():
        one = scores[str(tiny_path)]
        assert {"image_to_text", "text_to_image", "idia_tpr", "idia_fpr", "others_text_to_image"} <= one.keys()
        assert one["text_to_image"].keys() == {"hit1", "hit5", "hit10", "medr", "low", "high"}


def test_of_several_processes_the_first_verifies_alone(pair, tiny_path, tmp_path):
    arguments = ["verify", *pair, "--victims", tiny_path, *SHORT, "--json"]
    other = call(*arguments, cwd=tmp_path, env={"RANK": "1", "WORLD_SIZE": "2"})
    assert (other.returncode, other.stdout) == (0, ""), other.stderr
    first = call(*arguments, cwd=tmp_path, env={"RANK": "0", "WORLD_SIZE": "2"})
    assert json.loads(first.stdout)["ran"] > 0, "the other one trained nothing"
