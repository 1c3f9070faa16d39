"""What is said of a run when it is over, and of one that would be made."""

from __future__ import annotations

import pytest

from unlearnable.cli.protected import closing_lines, show_report, size
from unlearnable.report import ProtectReport, SkippedRecord, TriggerFigures


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
    show_report(report())
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split()[0] for line in said] == ["Wrote", "Post", "Keep", "Test", "No"]
    assert "/d/photos-protected" in said[0]
    assert "posts.jsonl" in said[1]
    assert "/d/photos-protected.private" in said[2]
    assert all(len(line) <= 80 for line in said)
    left_out = [SkippedRecord(where=f"{n}.jpg", reason="too-small", detail="9 x 9") for n in range(3)]
    show_report(report(skipped=left_out))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 6
    assert said[0] == "not used: 3 (3 too-small); list in /d/photos-protected.private/manifest.jsonl"


def test_one_photo_cannot_be_judged_which_is_said_once(capsys):
    show_report(report(photos=1, protected=1, captions=1, notes=[]))
    assert capsys.readouterr().out.count("1 photo cannot be judged") == 1


def test_what_is_said_is_true_of_other_methods_and_captions():
    assert not any("words" in line for line in closing_lines(report(method="em", triggers=None)))
    assert "em is for comparison" in closing_lines(report(method="em", triggers=None))[-1]
    assert "metadata.jsonl" in closing_lines(report(captions_file=None, caption_format="folder"))[1]
    assert "the text beside it" in closing_lines(report(captions_file=None, caption_format="sidecar"))[1]


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (49_152, "49 kB"), (1_500_000, "1.5 MB"), (12 * 10**9, "12 GB")],
)
def test_sizes_are_for_people(number, words):
    assert size(number) == words
