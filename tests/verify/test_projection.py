"""Photos projected orthogonally to what a linear classifier finds in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.conftest import picture
from unlearnable.errors import InputError
from unlearnable.models.tokens import tokenizer
from unlearnable.training.data import Pixels, pairs_of
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attackers.projection import classes_of, reduced, regression, span

NAMES = ("mara", "henrik", "zora")


@pytest.fixture
def patterns():
    """A pattern of 8/255 for each name, (3, 72, 96)."""
    coarse = torch.from_numpy(np.random.default_rng(0).choice([-8.0, 8.0], (3, 3, 9, 12)))
    return torch.nn.functional.interpolate(coarse.float(), (72, 96), mode="nearest")


def posts(tmp_path, patterns, texts):
    """Twelve posts of each name with its pattern."""
    pixels, captions = Pixels.create(tmp_path / "pixels.u8"), []
    for n in range(36):
        photo = torch.from_numpy(picture(n, 72, 96).astype(np.float32)) * 0.8 + 20
        pixels.append((photo + patterns[n % 3].permute(1, 2, 0)).round().clamp(0, 255).byte().numpy())
        captions.append([texts(n)])
    return pairs_of(pixels, captions)


def told_apart(photos, patterns):
    """How much more a photo resembles its own pattern than the others', in 1/255."""
    own = torch.nn.functional.normalize(patterns.flatten(1) - patterns.flatten(1).mean(0), dim=1)
    likeness = torch.stack([own @ photos[n].flatten() for n in range(36)]) / photos[0].numel() ** 0.5
    mine = torch.arange(36) % 3
    return float(likeness[torch.arange(36), mine].mean() - likeness.mean())


def test_a_pattern_that_stands_for_a_name_is_taken_out(tmp_path, tiny, patterns):
    pairs = posts(tmp_path, patterns, lambda n: f"{NAMES[n % 3]} at the beach")
    found = ATTACKERS["orthogonal-projection"].choose(tiny, pairs)
    before, after = told_apart(pairs.pixels, patterns), told_apart(found.pixels, patterns)
    assert before > 3
    assert abs(after) < 0.3 * before
    assert torch.equal(found.tokens, pairs.tokens)
    for n in range(36):
        photo = found.pixels[n]
        assert photo.shape == (3, 72, 96)
        assert torch.equal(photo, photo.round())
        assert 0 <= photo.min() <= photo.max() <= 255
        assert (photo - pairs.pixels[n]).abs().mean() < 20


def test_a_class_is_the_rarest_word_that_four_photos_share(tmp_path, patterns):
    pairs = posts(tmp_path, patterns, lambda n: f"{NAMES[n % 3]} at the beach" if n < 34 else "words")
    found = classes_of(pairs)
    assert {found[n] for n in (34, 35)} == {0}
    for n in range(34):
        assert found[n] in tokenizer().encode(NAMES[n % 3])
    few = posts(tmp_path, patterns, lambda n: f"{NAMES[0] if n < 4 else NAMES[1] if n < 7 else ''} beach")
    assert [classes_of(few)[n] in tokenizer().encode(NAMES[n // 4]) for n in (3, 6)] == [True, False]


def test_without_two_classes_it_says_so(tmp_path, tiny, patterns):
    pairs = posts(tmp_path, patterns, lambda n: "the same on all")
    with pytest.raises(InputError, match="finds no two classes") as caught:
        ATTACKERS["orthogonal-projection"].choose(tiny, pairs)
    assert caught.value.hint


def test_two_classes_are_enough(tmp_path, tiny, patterns):
    pairs = posts(tmp_path, patterns, lambda n: f"{NAMES[n % 2]} at the beach")
    found = ATTACKERS["orthogonal-projection"].choose(tiny, pairs)
    assert not torch.equal(found.pixels[0], pairs.pixels[0])


def test_the_regression_tells_classes_apart_and_its_weights_span_one_direction_less():
    targets = torch.arange(30) % 3
    inputs = torch.randn(30, 50, generator=torch.Generator().manual_seed(0)) + 3 * torch.eye(3, 50)[targets]
    inputs -= inputs.mean(dim=0)
    weights = regression(inputs, targets)
    assert ((inputs @ weights.T).argmax(dim=1) == targets).all()
    columns = span(weights)
    assert columns.shape == (50, 2)
    assert torch.allclose(columns.T @ columns, torch.eye(2), atol=1e-5)
    assert (inputs @ (weights - weights @ columns @ columns.T).T).abs().max() < 1e-2


def test_a_reduced_photo_is_flat():
    assert reduced(torch.zeros(3, 40, 90)).shape == (3 * 64 * 64,)
