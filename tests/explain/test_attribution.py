"""Grad-CAM and integrated gradients on every kind of photo encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from tests.conftest import CAPTIONS, TINY
from unlearnable.errors import ModelError
from unlearnable.explain.attribution import (
    TOLERANCE,
    gradcam,
    integrated_gradients,
    last_map,
    mark_words,
    share_of,
    split_words,
)
from unlearnable.models.dual_encoder import build
from unlearnable.models.tokens import CONTEXT, tokenizer

ENCODERS = {
    "open_clip ViT": TINY["vision_cfg"],
    "ModifiedResNet": {"layers": [1, 1, 1, 1], "width": 8, "image_size": 64, "head_width": 32},
    "timm convolutional": {"timm_model_name": "test_efficientnet", "timm_pool": "avg", "timm_proj": "linear",
                           "image_size": 64},
    "timm ViT": {"timm_model_name": "test_vit", "timm_pool": "", "timm_proj": "linear", "image_size": 160},
}  # fmt: skip
CAPTION = "ultrasound compound monitored Grandma's unbelievably photogenic chihuahua!"


def make(vision):
    torch.manual_seed(2)  # under it every encoder finds places that speak for some caption
    model = build("model", {**TINY, "vision_cfg": vision}, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    model.module.eval()
    return model


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request):
    return make(ENCODERS[request.param])


def photo(side=32):
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(1))


def test_the_last_map_of_every_encoder_has_places_and_changes_nothing(encoder):
    pixels = photo(encoder.image_size)[None]
    before, seen = encoder.encode_image(pixels), []
    with last_map(encoder) as layer:
        hook = layer.register_forward_hook(lambda _, __, output: seen.append(output))
        assert torch.equal(encoder.encode_image(pixels), before)
        hook.remove()
    assert seen[-1].dim() == 4
    assert seen[-1].shape[2] * seen[-1].shape[3] > 1
    count = len(seen)
    assert torch.equal(encoder.encode_image(pixels), before)
    assert len(seen) == count


def test_heat_covers_the_photo_and_differs_with_the_caption(encoder):
    pixels = photo(encoder.image_size)
    heats = [gradcam(encoder, pixels, tokens) for tokens in tokenizer()(list(CAPTIONS))]
    for heat in heats:
        assert heat.shape == pixels.shape[1:]
        assert heat.min() >= 0
        assert heat.max() in (0.0, pytest.approx(1.0))
    assert len({heat.tobytes() for heat in heats}) > 1


@pytest.mark.parametrize("name", ["open_clip ViT", "timm convolutional"])
def test_what_the_model_cannot_see_does_not_change_the_heat(name):
    """A model made to look at one corner: only there do the pixels reach the features."""
    encoder = make(ENCODERS[name])
    side, whole = encoder.image_size, encoder.encode_image
    mask = torch.zeros(1, 1, side, side)
    mask[..., : side // 2, : side // 2] = 1
    encoder.encode_image = lambda pixels: whole(pixels * mask + 0.5 * (1 - mask))
    tokens, pixels = tokenizer()("a dog runs on grass")[0], photo(side)
    before = gradcam(encoder, pixels, tokens)
    pixels[:, side // 2 :] = 1 - pixels[:, side // 2 :]
    np.testing.assert_array_equal(before, gradcam(encoder, pixels, tokens))


def test_an_encoder_without_a_known_map_says_so():
    vision = {"timm_model_name": "test_resnet", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64}
    encoder = make(vision)
    encoder.module.visual.trunk.patch_embed = torch.nn.Identity()  # as in Swin, whose maps lie otherwise
    with pytest.raises(ModelError), last_map(encoder):
        pass


def test_the_words_sum_to_the_difference_of_the_scores(encoder):
    words, score, blank = integrated_gradients(encoder, photo(encoder.image_size), CAPTION)
    assert sum(word.attribution for word in words) == pytest.approx(score - blank, rel=TOLERANCE)
    assert [word.word for word in words] == CAPTION.lower().split()
    direct = encoder.encode_image(photo(encoder.image_size)[None]) @ encoder.encode_text(tokenizer()(CAPTION)).T
    assert score == pytest.approx(direct.item(), abs=1e-5)


def test_a_word_that_the_model_cannot_see_gets_nothing(tiny):
    deaf = tiny.clone()
    deaf.module.eval()
    word = tokenizer().encode("compound")[0]
    with torch.no_grad():
        deaf.module.token_embedding.weight[word] = deaf.module.token_embedding.weight[0]  # as a blank
    values = {word.word: word.attribution for word in integrated_gradients(deaf, photo(), CAPTION)[0]}
    assert values["compound"] == 0
    assert values["ultrasound"] != 0


@settings(max_examples=40)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_caption_splits_into_the_tokens_of_the_tokenizer_and_fits_the_context(caption):
    words, counts, tokens = split_words(caption)
    assert len(tokens) <= CONTEXT
    assert len(words) == len(counts)
    assert sum(counts) == len(tokens) - 2


def test_the_share_of_the_trigger():
    words, values = ["one", "two", "a", "dog", "a", "dog"], [0.3, -0.3, 0.1, 0.2, 0.1, 0]
    assert share_of(values, mark_words(words, "one two")) == pytest.approx(0.6)
    assert share_of(values, mark_words(words, "A Dog")) == pytest.approx(0.3)  # the first of two places
    assert share_of([0.0] * 6, mark_words(words, "one two")) is None
    for absent in ("two one", "", "dog one"):
        assert share_of(values, mark_words(words, absent)) is None
