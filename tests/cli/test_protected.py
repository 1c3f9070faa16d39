"""What is said of a run when it is over, and of one that would be made."""

from __future__ import annotations

import pytest

from unlearnable.cli.protected import in_plain_words, next_steps, show_plan, show_report, size
from unlearnable.results import ProtectPlan, ProtectReport, TriggerFigures


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


def test_the_outcome_is_four_sentences_and_what_to_do_next(capsys):
    words = in_plain_words(report())
    assert len(words) == 4
    assert words[0].startswith("8 of 9 photos have a protected copy")
    assert "no guarantee" in words[3]
    show_report(report())
    said = capsys.readouterr().out
    for figure in ("PSNR", "SSIM", "dB", "tokens", "loss", "/255"):
        assert figure not in said
    assert "note: a remark" in said
    assert "  2. Post the photos in /d/photos-protected, each with its caption from posts.jsonl there" in said
    assert "Keep /d/photos-protected.private to yourself" in said
    assert "/d/photos-protected.private/report.html" in said
    show_report(report(), verbose=True)
    assert "PSNR 37.7 dB" in capsys.readouterr().out


def test_one_photo_is_spoken_of_as_one():
    said = in_plain_words(report(photos=1, protected=1, captions=1))[0]
    assert said.startswith("1 of 1 photo has a protected copy")
    assert said.endswith("and 1 caption has a few more words.")


def test_a_single_photo_has_no_loss_to_print(capsys):
    show_report(report(loss_first=None, loss_last=None, loss_rounds=[]), verbose=True)
    said = capsys.readouterr().out
    assert "none: a single photo has no others to be told from" in said
    assert "by round" not in said


def test_how_close_triggers_are_to_the_photos_is_said_beside_random_words(capsys):
    show_report(report(trigger_similarity=0.014, trigger_similarity_random=0.02), verbose=True)
    assert "0.01 to the photos; of random words 0.02" in capsys.readouterr().out


def test_what_is_said_is_true_of_other_methods_and_captions():
    assert not any("words" in sentence for sentence in in_plain_words(report(method="em", triggers=None)))
    assert "em is there for comparison" in in_plain_words(report(method="em", triggers=None))[1]
    assert "metadata.jsonl there" in next_steps(report(captions_file=None, caption_format="folder"))[1]
    assert "Hand on the shards in" in next_steps(report(captions_file=None, caption_format="webdataset"))[1]
    assert "the text file beside it" in next_steps(report(captions_file=None, caption_format="sidecar"))[1]


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (49_152, "49 kB"), (1_500_000, "1.5 MB"), (12 * 10**9, "12 GB")],
)
def test_sizes_are_for_people(number, words):
    assert size(number) == words


def test_a_plan_without_room_says_so(capsys):
    plan = ProtectPlan(
        output="out", caption_format="folder", photos=300, captions=300, skipped=[], surrogates=["small"],
        rounds_at_most=8, seconds_estimated=600, bytes_estimated=3 * 10**9,
        bytes_needed=7 * 10**9, bytes_free=5 * 10**9,
    )  # fmt: skip
    show_plan(plan)
    said = " ".join(capsys.readouterr().out.split())
    assert "3.0 GB, 7.0 GB while it runs; 5.0 GB free" in said
    assert "more than there is room for: choose another --output" in said


def test_words_of_photos_without_a_caption_are_to_be_found(capsys):
    show_report(report(captions_found=3))
    assert "(of those without a caption of yours theirs is in metadata.jsonl)" in capsys.readouterr().out
    show_report(report(captions_found=3, captions_file="metadata.jsonl"))
    assert "their words are in the private manifest alone" in capsys.readouterr().out
    for read, told in (("sidecar", True), ("instagram", False)):  # metadata.jsonl has all
        steps = next_steps(report(captions_found=3, captions_file=None, caption_format=read))[1]
        assert "manifest" not in steps
        assert ("(of those without a caption of yours theirs is in metadata.jsonl)" in steps) == told
