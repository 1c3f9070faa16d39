"""Fixtures shared by all tests: a tiny encoder, small pictures made in code, no network, no user state."""

from __future__ import annotations

import itertools
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

from tests.browser import started
from tests.presets import QUICK
from unlearnable.imaging.picture import grid_shape
from unlearnable.methods.base import Problem
from unlearnable.models.dual_encoder import build
from unlearnable.models.openclip import save
from unlearnable.models.tokens import cut, default_vocabulary, ordinary_words
from unlearnable.settings import Hyperparameters
from unlearnable.storage import checkpoint
from unlearnable.storage.progress import Silent
from unlearnable.training import loop
from unlearnable.training.data import Pixels, Posts, pairs_of

os.fsync = lambda fd: None  # no test cuts the power, and a slow disk takes minutes for all of them
loop.BASE = replace(loop.BASE, precision="fp32")
os.environ["OMP_NUM_THREADS"] = "1"  # of each process: others run beside it

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
CAPTIONS = ("a dog runs on grass", "two kids at the beach", "my new bike", "sunset over hills", "grandma bakes a cake")

NUMBERS = itertools.count()

settings.register_profile("shared", deadline=None)  # machines that others use too
settings.load_profile("shared")


def pytest_addoption(parser):
    parser.addoption("--write-golden", action="store_true", help="replace the golden files by what comes out")


@pytest.fixture(scope="session", autouse=True)
def threads():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def state_folders(tmp_path_factory):
    """The folder of the state folders: whoever makes a temporary folder looks through all of those beside it."""
    return tmp_path_factory.mktemp("states")


@pytest.fixture(autouse=True)
def state_folder(state_folders, monkeypatch):
    folder = state_folders / str(next(NUMBERS))
    folder.mkdir()
    monkeypatch.setenv("UNLEARNABLE_STATE", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(autouse=True)
def checkpoint_a_round(monkeypatch):
    monkeypatch.setattr(checkpoint, "SOON", 0)


@pytest.fixture(scope="session")
def tiny():
    torch.manual_seed(0)
    encoder = build("tiny", TINY, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    encoder.module.eval()
    return encoder


@pytest.fixture(scope="session")
def tiny_path(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save(tiny, path)
    return path


@pytest.fixture(scope="session")
def tiny_mlm(tmp_path_factory):
    """A folder with a BERT of random weights over a few hundred words."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    words = [*sorted(ordinary_words())[::40], "dog", "grass", "a", "the"]
    rows = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words), ".", "##s"]
    folder = tmp_path_factory.mktemp("language")
    (folder / "words").write_text("".join(f"{row}\n" for row in rows))
    BertTokenizerFast(str(folder / "words")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertForMaskedLM(BertConfig(vocab_size=len(rows), initializer_range=0.5, **sizes)).save_pretrained(folder)
    return folder


def picture(number: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A smooth picture, different for each number."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def posts(tmp_path):
    """A folder of eight photos, one in a sub-folder, with posts.jsonl beside them."""
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    rows = []
    for n in range(8):
        name = f"trip/p{n}.png" if n == 7 else f"p{n}.png"
        Image.fromarray(picture(n)).save(folder / name)
        rows.append({"id": n, "image": name, "caption": f"{CAPTIONS[n % 5]} {n}"})
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


class Told(Silent):
    """A progress that keeps the remarks."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def hangup():
    """SIGHUP as a terminal starts programs with it: under nohup they inherit that it is ignored, and rightly go on."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module")
def browser():
    with started() as driver:
        yield driver


@pytest.fixture
def pairs(tmp_path):
    pixels = Pixels.create(tmp_path / "pixels.u8")
    for number in range(10):
        pixels.append(picture(number))
    return pairs_of(pixels, [[f"{CAPTIONS[n % 5]} {n}"] for n in range(10)])


@pytest.fixture
def make_problem(tiny, tmp_path):
    """Problems of some photos with two captions each, on the tiny encoder."""
    count = iter(range(100))

    def make(photos: int = 12, seed: int = 0, length: int = 3, at: int = 0, surrogates=None, pictures=None) -> Problem:
        pictures = pictures or [picture(n, 48, 48 + 8 * (n % 3)) for n in range(photos)]
        number = next(count)
        pixels, photos = Pixels.create(tmp_path / f"pixels{number}"), len(pictures)
        for one in pictures:
            pixels.append(one)
        captions = tuple((f"{CAPTIONS[n % 5]} {n}", f"photo {n} of {CAPTIONS[(n + 1) % 5]}") for n in range(photos))
        return Problem(
            posts=Posts(pixels, tuple(tuple(cut(c, at, 4 * length) for c in texts) for texts in captions)),
            grids=tuple(grid_shape(*shape, max(m.image_size for m in surrogates or [tiny])) for shape in pixels.shapes),
            captions=captions,
            surrogates=tuple(surrogates or [tiny]),
            vocabulary=default_vocabulary(),
            noise_path=tmp_path / f"noise{number}.i8",
            seed=seed,
        )

    return make


@pytest.fixture
def quick() -> Hyperparameters:
    return replace(QUICK, max_rounds=3, surrogate_steps=3, trigger_rounds=2, proxy_weight=1.0, proxy_tuning_steps=3)
