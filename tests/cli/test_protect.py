"""`protect` as a shell sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial

import pytest

from tests.cli.program import PAUSING, POSIX, call
from tests.conftest import tree
from tests.forked import Forked
from tests.presets import presets_file
from unlearnable.cli.protect import _show, closing_lines
from unlearnable.report import ProtectReport, SkippedRecord, TriggerFigures, made_by


def test_protect_prints_one_json_object_and_progress_goes_to_stderr(posts, quick):
    result = call("protect", posts, "--captions", posts / "posts.jsonl", "--json", *quick)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["made_by"] == made_by()
    assert (report["protected"], report["rounds"], report["trigger_roundtrip"]) == (8, 2, 1.0)
    assert "optimising (mem): 2/2 loss" in result.stderr
    wanted = {"schema_version", "output", "photos", "skipped", "linf_max", "psnr_mean", "ssim_mean", "loss_first"}
    assert wanted | {"loss_last", "stopped", "surrogates", "seconds"} <= report.keys()


def test_protect_for_a_person_fits_80_columns(posts, quick):
    (posts / "broken [bold].jpg").write_text("text")
    result = call("protect", posts, *quick, env={"COLUMNS": "80"})
    assert result.returncode == 0
    assert "PSNR" not in result.stdout
    assert "not used: broken [bold].jpg" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere",), 3, "nowhere"),
        ((".", "--method", "men"), 2, "did you mean 'mem'"),
        ((".", "--epsilon", "0"), 2, "epsilon"),
        ((".", "--surrogate", "RN50:openai"), 4, "small"),
        ((".", "--output", "."), 2, "overlap"),
        ((".", "--words", "none.txt"), 2, "none.txt"),
        ((".", "--device", "cuda"), 2, "cpu"),
        (("--no-such-option",), 2, "no-such-option"),
        ((".", "--config", "none.toml"), 2, "none.toml"),
    ],
)
def test_a_failure_has_its_exit_code_and_says_what_to_do(posts, arguments, code, words):
    result = call("protect", *arguments, cwd=posts)
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_captions_in_the_folder_are_taken_and_said(posts, quick):
    for arguments in ((), ("--dry-run",)):
        result = call("protect", posts, *arguments, "--json", *quick)
        assert result.returncode == 0, result.stderr
        assert "captions from posts.jsonl\n" in result.stderr
        assert json.loads(result.stdout)["captions_found"] == 8
    (posts / "more.jsonl").write_text('{"image": "p0.png", "caption": "a dog"}\n')
    result = call("protect", posts, *quick)
    assert result.returncode == 2
    assert "more.jsonl, posts.jsonl" in " ".join(result.stderr.split())


def test_single_photos_are_protected_and_verified_without_the_others_of_their_folder(posts, quick, tmp_path, tiny_path):
    chosen = [posts / f"p{n}.png" for n in range(5)]
    result = call("protect", chosen[0], posts / "p[1-4].png", "--json", *quick)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["photos"], report["protected"], report["some_photos"]) == (5, 5, True)
    assert report["output"] == str(tmp_path / "photos-protected")
    rows = (tmp_path / "photos-protected" / "posts.jsonl").read_text()
    written = [json.loads(row)["image"] for row in rows.splitlines()]
    assert written == [path.name for path in chosen]
    saved = tmp_path / "photos-protected.private" / "run.toml"
    assert "p[1-4].png" in saved.read_text()
    assert call("protect", chosen[0], posts / "p[1-4].png", "--resume", *quick).returncode == 0
    assert call("protect", chosen[0], "--resume", *quick).returncode == 6
    short = ("--victims", tiny_path, "--epochs", "1", "--seeds", "0", "--test-fraction", "0.4")
    verified = call("verify", "--json", *short)
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["gallery"]["train_photos"] + 2 == 5


def test_existing_results_are_not_overwritten(posts, quick, tmp_path):
    assert call("protect", posts, *quick).returncode == 0
    before = tree(tmp_path / "photos-protected")
    result = call("protect", posts, *quick)
    assert result.returncode == 5
    assert "--overwrite" in result.stderr
    assert tree(tmp_path / "photos-protected") == before


@POSIX
@pytest.mark.parametrize("marker", ["optimising (mem): 2/4", "writing photos"])
def test_killed_and_resumed_gives_the_same_bytes(posts, tiny_path, tmp_path, marker):
    file = tmp_path / "slow.toml"
    presets_file(file, max_rounds=4, threshold=0.0001)
    common = ("protect", posts, "--captions", posts / "posts.jsonl", "--surrogate", tiny_path, "--config", file)
    assert call(*common, "--output", tmp_path / "whole").returncode == 0
    broken = (*common, "--output", tmp_path / "broken")
    command_line = [sys.executable, "-u", "-c", PAUSING, marker, *map(str, broken)]
    with Forked(command_line, stderr=subprocess.PIPE, text=True) as process:
        assert any(line.startswith(marker) for line in process.stderr)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "broken.private" / "report.json").exists()
    result = call(*broken, "--resume", "--json")
    assert result.returncode == 0, result.stderr
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
    assert "resuming after round" in result.stderr


@POSIX
def test_ctrl_c_exits_130_and_names_the_way_on(posts, tiny_path, tmp_path):
    file = tmp_path / "long.toml"
    presets_file(file, max_rounds=5000, threshold=0.0000001)
    marker = "optimising (mem): 1/5000"
    command_line = ["protect", posts, "--surrogate", tiny_path, "--config", file]
    process = Forked(
        [sys.executable, "-c", PAUSING, marker, *map(str, command_line)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(
            signal.signal, signal.SIGINT, signal.SIG_DFL
        ),  # ignored where the tests run in the background
    )
    with process:
        assert any(line.startswith(marker) for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "--resume" in rest


def test_saved_settings_repeat_the_run(posts, quick, tmp_path):
    assert call("protect", posts, *quick, "--seed", "3").returncode == 0
    saved = tmp_path / "photos-protected.private" / "run.toml"
    result = call("protect", posts, "--config", saved, "--output", tmp_path / "again")
    assert result.returncode == 0, result.stderr
    assert tree(tmp_path / "again") == tree(tmp_path / "photos-protected")


def test_dry_run_counts_and_writes_nothing(posts, quick, tmp_path):
    for n in range(22):
        (posts / f"broken{n}.jpg").write_text("text")
    before = tree(tmp_path)
    result = call("protect", posts, "--dry-run", *quick)
    assert result.returncode == 0, result.stderr
    assert "would protect 8 photos" in result.stdout
    assert "not used: 22 (22 not-an-image); list with --json" in result.stdout
    assert len(result.stdout.splitlines()) == 3
    planned = json.loads(call("protect", posts, "--dry-run", "--json", *quick).stdout)
    assert len(planned["skipped"]) == 22
    assert planned["bytes_free"] > planned["bytes_estimated"] == 8 * 2 * 48 * 64
    assert planned["refused"] == ""
    assert tree(tmp_path) == before


def test_dry_run_says_what_the_run_would_be_refused_for(posts, quick, tmp_path):
    assert call("protect", posts, *quick).returncode == 0
    before = tree(tmp_path)
    for flags, refused in (
        ((), True),
        (("--resume",), False),
        (("--resume", "--seed", "3"), True),
        (("--overwrite",), False),
        (("--output", tmp_path / "free"), False),
    ):
        planned = json.loads(call("protect", posts, "--dry-run", "--json", *quick, *flags).stdout)
        assert bool(planned["refused"]) == refused, flags
    said = call("protect", posts, "--dry-run", *quick)
    assert said.returncode == 0
    real = call("protect", posts, *quick).stderr.splitlines()[-2:]
    error, hint = (line.partition(": ")[2] for line in real)
    assert said.stdout.splitlines()[-1] == f"would be refused: {error} ({hint})"
    assert call("protect", posts, "--dry-run", "--resume", "--overwrite", *quick).returncode == 2
    (tmp_path / "photos-protected" / "mine.txt").write_text("mine")
    planned = json.loads(call("protect", posts, "--dry-run", "--json", "--overwrite", *quick).stdout)
    assert "mine.txt" in planned["refused"]
    (tmp_path / "photos-protected" / "mine.txt").unlink()
    assert tree(tmp_path) == before


def test_quiet_prints_nothing_but_errors(posts, quick, tmp_path):
    result = call("protect", posts, "--quiet", *quick)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    again = call("protect", posts, "--quiet", *quick)
    assert (again.returncode, again.stdout) == (5, "")
    assert again.stderr.startswith("error: ")


def test_nothing_to_resume_is_said_in_one_line(posts, quick):
    said = call("protect", posts, "--resume", *quick).stderr
    assert said.count("nothing to resume") == 1
    assert "--output" in said


def test_a_second_folder_is_no_place_for_the_copies(posts, tmp_path):
    refused = call("protect", posts, tmp_path / "out")
    assert refused.returncode == 2
    assert "--output" in refused.stderr


def test_a_dry_run_decodes_no_photo(posts, quick, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("decoded"))
    assert call("protect", posts, "--dry-run", *quick).returncode == 0


def report(**changes) -> ProtectReport:
    triggers = TriggerFigures(distinct=8, distinct_1=1.0, most_frequent="a b c", most_frequent_share=0.125)
    made = ProtectReport(
        output="/d/photos-protected", private="/d/photos-protected.private", captions_file="posts.jsonl",
        caption_format="jsonl", method="mem", photos=9, protected=8, captions=8, skipped=[], linf_max=8,
        noise_linf_max=8, psnr_mean=37.7, psnr_min=36.0, ssim_mean=0.976, loss_first=4.0, loss_last=0.01,
        loss_rounds=[1.0, 0.01], losses=[], rounds=2, stopped="threshold", surrogates=["small"],
        trigger_roundtrip=1.0, triggers=triggers, run="key", seed=0, device="cpu", seconds=9.0, notes=["a remark"],
    )  # fmt: skip
    return made.model_copy(update=changes)


def test_a_run_closes_with_five_lines(capsys):
    _show(report(), add=False)
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split()[0] for line in said] == ["Wrote", "Post", "Keep", "Test", "No"]
    assert "/d/photos-protected" in said[0]
    assert "posts.jsonl" in said[1]
    assert "/d/photos-protected.private" in said[2]
    assert all(len(line) <= 80 for line in said)
    left_out = [SkippedRecord(where=f"{n}.jpg", reason="too-small", detail="9 x 9") for n in range(3)]
    _show(report(skipped=left_out), add=False)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 6
    assert said[0] == "not used: 3 (3 too-small); list in /d/photos-protected.private/manifest.jsonl"


def test_what_is_said_is_true_of_other_methods_and_captions():
    assert not any("words" in line for line in closing_lines(report(method="em", triggers=None)))
    assert "em is for comparison" in closing_lines(report(method="em", triggers=None))[-1]
    assert "metadata.jsonl" in closing_lines(report(captions_file=None, caption_format="folder"))[1]
    assert "the text beside it" in closing_lines(report(captions_file=None, caption_format="sidecar"))[1]
