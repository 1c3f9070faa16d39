from __future__ import annotations

from unlearnable.report.html import protect_page, split
from unlearnable.results import ManifestLine, ProtectReport, SkippedRecord, SurrogateLoss

HOSTILE = "<script>alert(1)</script> & 'co'"
REPORT = ProtectReport(
    output="/out", private="/out.private", captions_file=None, caption_format="folder", method="mem", photos=2,
    protected=1, captions=1, skipped=[SkippedRecord(where=HOSTILE, reason="truncated", detail=HOSTILE)], linf_max=8,
    psnr_mean=37.25, psnr_min=36.0, ssim_mean=0.97, loss_first=1.8, loss_last=0.005, loss_rounds=[0.1, 0.005],
    losses=[SurrogateLoss(surrogate="small", clean_pretrained=1.8, protected_pretrained=0.3, protected_trained=0.005)],
    rounds=2, stopped="threshold", surrogates=["small"], trigger_roundtrip=1.0, run="", seed=0, device="cpu",
    seconds=1.0, notes=[HOSTILE],
)  # fmt: skip


def test_the_page_holds_the_figures_and_marks_the_trigger():
    line = ManifestLine(source="a.jpg", output="a.png", psnr=37.3, trigger="one two", captions=["one two a dog"])
    page = protect_page(REPORT, [line])
    assert "1 of 2 photos protected" in page
    assert "37.2 dB" in page or "37.3 dB" in page
    assert "<mark>one two</mark> a dog" in page


def test_names_and_captions_cannot_run_script_or_load_anything():
    line = ManifestLine(source=HOSTILE, output=HOSTILE, trigger="", captions=[HOSTILE], notes=[HOSTILE])
    page = protect_page(REPORT, [line])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 6
    assert "http" not in page


def test_a_caption_is_split_at_its_trigger():
    assert split("a x y dog", "x y") == ("a ", "x y", " dog")
    assert split("a dog", "") == ("a dog", "", "")
