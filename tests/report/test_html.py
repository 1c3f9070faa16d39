from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from tests.benchmark.test_tables import cell as benchmark_cell, report as benchmark_report
from unlearnable.imaging.picture import Picture
from unlearnable.report import (
    ArmName,
    BothWays,
    Cell,
    Finding,
    GalleryRecord,
    ManifestLine,
    MatrixRow,
    ProtectReport,
    RanksRecord,
    References,
    Retrieval,
    SkippedRecord,
    SurrogateLoss,
    TableRecord,
    VerifyReport,
    VictimRecord,
)
from unlearnable.report.html import benchmark_page, protect_page, split
from unlearnable.report.pictures import ShownPhotos, Thumbnails, thumbnails
from unlearnable.settings import ProtectSettings
from unlearnable.verify.summary import verify_page

HOSTILE = "<script>alert(1)</script> & 'co'"
LOSS = SurrogateLoss(
    surrogate="small",
    clean_pretrained=1.8,
    clean_unmasked=1.8,
    protected_pretrained=0.3,
    protected_trained=0.005,
)
REPORT = ProtectReport(
    output="/out", private="/out.private", captions_file=None, caption_format="folder", method="mem", photos=2,
    protected=1, captions=1, skipped=[SkippedRecord(where=HOSTILE, reason="truncated", detail=HOSTILE)], linf_max=21,
    noise_linf_max=8, noise_kept_mean=0.91, bytes_in=1_200_000, bytes_out=1_500_000,
    psnr_mean=37.25, psnr_min=36.0, ssim_mean=0.97, loss_first=1.8, loss_last=0.005, loss_rounds=[0.1, 0.005],
    losses=[LOSS],
    rounds=2, stopped="threshold", surrogates=["small"], trigger_roundtrip=1.0, run="", seed=0, device="cpu",
    seconds=1.0, notes=[HOSTILE],
)  # fmt: skip
SETTINGS = ProtectSettings(photos=(Path(HOSTILE),), surrogate=("small", "tiny"))
PICTURES = Thumbnails("data:image/webp;base64,AA==", "data:image/webp;base64,AB==", "data:image/webp;base64,AC==", 3, 2)


def test_the_page_holds_the_figures_and_marks_the_trigger():
    line = ManifestLine(source="a.jpg", output="a.png", psnr=37.3, trigger="one two", captions=["one two a dog"])
    page = protect_page(REPORT, [line], SETTINGS, {})
    assert "1 of 2 photos protected" in page
    assert "epsilon" in page
    for text in ("at most 8/255, with the encoding at most 21/255", "1.2 MB of originals, 1.5 MB of copies", "0.0050"):
        assert text in page
    assert "91 % of the noise is left" in page
    assert "small, tiny" in page
    assert "Look at it" not in page  # without thumbnails there is no gallery
    assert "37.2 dB" in page or "37.3 dB" in page
    assert "<mark>one two</mark> a dog" in page


def test_names_and_captions_cannot_run_script_or_load_anything():
    line = ManifestLine(source=HOSTILE, output=HOSTILE, trigger="", captions=[HOSTILE], notes=[HOSTILE])
    page = protect_page(REPORT, [line], SETTINGS, {HOSTILE: PICTURES})
    assert page.count("<script") == 1
    assert page.count("alert(1)") == page.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;co&#39;") > 10
    check_self_contained(page)


def test_the_gallery_has_a_slider_a_photo_the_most_visible_first_and_names_for_those_who_cannot_see_it():
    lossy = ManifestLine(source="", psnr=37.3, ssim=0.97, linf=21, noise_linf=8, noise_kept=0.75, quality=85, delta_e=1)
    lines = [
        lossy.model_copy(update={"source": f"{n}.jpg", "output": f"{n}.png", "flip": flip})
        for n, flip in enumerate((0.1, 0.3, 0.2))
    ]
    page = protect_page(REPORT, lines, SETTINGS, {"0.png": PICTURES, "2.png": PICTURES})
    assert page.count('type="range"') == 2
    assert re.findall(r'alt="Original of (.).jpg"', page) == ["2", "0"]
    for text in ("Protected copy 2.png", "Noise of 2.png, 10 times stronger", "PSNR 37.3 dB"):
        assert text in page
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == 6
    assert all(re.search(r'alt="[^"]+"', image) for image in images)


def test_a_caption_is_split_at_its_trigger():
    assert split("a x y dog", "x y") == ("a ", "x y", " dog")
    assert split("a dog", "") == ("a dog", "", "")


def ways(hit10: float) -> BothWays:
    one = Retrieval(hit1=1.0, hit5=2.0, hit10=hit10, medr=7.0)
    return BothWays(image_to_text=one, text_to_image=one)


def ranks(hit10: float) -> list[int]:
    return [1 if number < hit10 else 70 for number in range(100)]


def cell(data: ArmName, seed: int, hit10: float) -> Cell:
    return Cell(
        victim=HOSTILE, data=data, through="png", seed=seed, epochs=2, lr=0.1, loss_curve=[2.0, 1.0],
        medr_curve=[9.0, 7.0], seconds=1.0, shortcut=ways(99.0) if data == "protected" else None,
        image_to_text=ways(hit10).image_to_text, text_to_image=ways(hit10).text_to_image,
        ranks=RanksRecord(image_to_text=ranks(hit10), text_to_image=ranks(hit10)),
    )  # fmt: skip


STUDY = VerifyReport(
    originals="/in", protected="/out", output="/out.verify", verdict=f"holds: {HOSTILE}", skipped=[], missed=[],
    gallery=GalleryRecord(source=HOSTILE, photos=75, captions=75, split_seed=0, train_photos=9, train_pairs=9,
                          background_photos=0, near_duplicates=[HOSTILE]),
    references=References(random=ways(13.3), pretrained={HOSTILE: ways(8.0)}),
    cells=[cell("clean", 0, 60.0), cell("clean", 1, 64.0), cell("protected", 0, 14.0), cell("protected", 1, 16.0)],
    findings=[Finding(victim=HOSTILE, through="png", clean_mean=62, clean_std=2, protected_mean=15, protected_std=1,
                      protected_medr=7, effect=0.965, effect_low=0.86, effect_high=1.05, effect_image_to_text=None,
                      effect_pretrained=0.9, outcome="holds", judged_by=["text_to_image"])],
    victims=[VictimRecord(name=HOSTILE, role="held-out", family="vit"),
             VictimRecord(name="b", role=None, family="vit")],
    matrix=[MatrixRow(through="strip-trigger", attacker="plain", adaptive=True, effects={HOSTILE: -0.25, "b": None}),
            MatrixRow(through="png", attacker="cutout", adaptive=False, effects={HOSTILE: 0.965, "b": 0.5})],
    not_tested=["a known attack"],
    required=["hit10<=20"], notes=[HOSTILE], seeds=[0, 1], from_scratch=False, batch_size=64, smallest_crop=0.9,
    device="cpu", ran=4, reused=0, seconds=3.0,
)  # fmt: skip


def test_the_page_of_a_study_has_the_verdict_first_then_table_and_matrix():
    other = STUDY.findings[0].model_copy(update={"attacker": "cutout"})
    cells = [one.model_copy(update={"attacker": "cutout"}) for one in STUDY.cells]
    page = verify_page(STUDY)
    assert page.index("holds: ") < page.index("random ranking") < page.index("How to read")
    for figure in ("62 (52 to 72)", "15 (8.5 to 22)", ">99.0<", "0.96 (0.86 to 1.05)", "–", "All met."):
        assert figure in page
    rows = re.findall(r'<th scope="row" data-label="Attack, attacker">(.*?)</th>(.*?)</tr>', page)
    assert [(label, re.findall(r">([^<]+)</td>", effects)) for label, effects in rows] == [
        ("strip-trigger *", ["-0.25", "-"]), ("png, cutout", ["0.96", "0.50"])
    ]  # fmt: skip
    assert "Not tested: a known attack." in page
    assert "Attacker" not in page
    page = verify_page(STUDY.model_copy(update={"findings": [*STUDY.findings, other], "cells": [*STUDY.cells, *cells]}))
    assert '<td data-label="Attacker">cutout</td>' in page
    assert '<td data-label="Trained on">protected posts as published, cutout</td>' in page


def test_a_victim_has_one_name_whatever_folder_it_lies_in():
    found, text = json.dumps(HOSTILE), STUDY.model_dump_json()
    for before, after in (('"victim":', ""), ('"name":', ""), ("", ":")):
        text = text.replace(f"{before}{found}{after}", f'{before}"/models/mine.safetensors"{after}')
    study = VerifyReport.model_validate_json(text)
    page = verify_page(study)
    assert "mine.safetensors" in page
    assert "/models" not in page


def test_a_study_cannot_run_script_or_load_anything():
    page = verify_page(STUDY)
    assert "<script" not in page
    check_self_contained(page)


def test_the_page_of_a_benchmark_has_our_figures_beside_the_papers(tmp_path):
    (tmp_path / "curves.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(2)</script></svg>")
    rows = [["mem-3", "12.0", "11.3"], [HOSTILE, "-", "-"]]
    table = TableRecord(title="Table 1", heads=["method", "Hit@10", "paper"], rows=rows, notes=[HOSTILE])
    made = benchmark_report([benchmark_cell("clean")], title=HOSTILE, scale="tiny", notes=[HOSTILE])
    skipped = [SkippedRecord(where="p7.jpg", reason="empty", detail="0 bytes")]
    changes = {"tables": [table], "skipped": skipped, "output": str(tmp_path), "figures": ["curves.svg"]}
    page = benchmark_page(made.model_copy(update=changes))
    assert "<bdi>p7.jpg</bdi></td><td>empty</td>" in page, "it is in the JSON and on the terminal"
    assert page.index("tiny") < page.index("Table 1") < page.index("data:image/svg+xml;base64,")
    assert '<th scope="row">mem-3</th><td class="n">12.0</td><td class="n">11.3</td>' in page
    assert "<script" not in page
    check_self_contained(page)


def test_a_page_of_many_photos_stays_small():
    names = [f"trip/photo {n}.png" for n in range(300)]
    kept = ShownPhotos()
    rng = np.random.default_rng(0)
    for name in names[:60]:
        before = rng.integers(0, 256, (320, 320, 3), dtype=np.uint8)  # nothing compresses less
        copy = np.clip(before + rng.integers(-8, 9, before.shape), 0, 255).astype(np.uint8)
        kept.add(name, 0.1, thumbnails(*(Picture(one, None, None, None, "PNG") for one in (before, copy))))
    lines = [
        ManifestLine(source=name, output=name, trigger="one two", captions=["one two " + "dog " * 30] * 5, psnr=37.0)
        for name in names
    ]
    page = protect_page(REPORT.model_copy(update={"protected": 300}), lines, SETTINGS, kept.thumbnails)
    assert len(page.encode()) < 5_000_000
    assert f"{len(kept.thumbnails)} of 300 photos, those in which most is seen first, reduced" in page
    assert 0 < page.count('type="range"') < 48
    assert page.count("in the list of all") == 300 * 5, "captions of photos that are not shown can be copied too"


class Addresses(HTMLParser):
    """Everything on a page that is fetched, and every handler of events."""

    def __init__(self):
        super().__init__()
        self.fetched, self.handlers = [], []

    def handle_starttag(self, tag, attrs):
        self.fetched += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action", "poster")]
        self.handlers += [k for k, _ in attrs if k.startswith("on")]


def check_self_contained(page):
    found = Addresses()
    found.feed(page)
    assert all(address.startswith("data:image/") for address in found.fetched)
    assert found.handlers == []
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
