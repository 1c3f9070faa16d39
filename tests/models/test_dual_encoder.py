from __future__ import annotations

from typing import Any

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder, EncoderSpec, build
from unlearnable.models.tokens import tokenizer

TOKENS = tokenizer()(["a dog", "two kids at the beach with a kite"])
CUSTOM = {
    "custom_text": True,
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"width": 32, "heads": 2, "layers": 1, "no_causal_mask": True, "pool_type": "last", "proj_bias": True},
}


@pytest.mark.parametrize("custom", [False, True])
@torch.no_grad()
def test_features_are_those_of_open_clip(tiny, custom):
    encoder = build("custom", CUSTOM, (0.5,) * 3, (0.5,) * 3) if custom else tiny
    module: Any = encoder.module  # open_clip is not typed
    module.eval()
    pixels = torch.rand(2, 3, 32, 32)
    expected = module.encode_image((pixels - 0.5) / 0.5, normalize=True)
    torch.testing.assert_close(encoder.encode_image(pixels), expected)
    expected = module.encode_text(TOKENS, normalize=True)
    torch.testing.assert_close(encoder.encode_text(TOKENS), expected)
    torch.testing.assert_close(encoder.encode_text(encoder.trim(TOKENS)), expected)
    torch.testing.assert_close(encoder.encode_text(TOKENS[:, :10]), expected)
    torch.testing.assert_close(encoder.encode_text(TOKENS[:1, :4]), expected[:1])


@pytest.mark.parametrize(
    "text", [{"no_causal_mask": True}, {"pool_type": "last"}, {"pool_type": "eos", "eos_id": 49407}]
)
@torch.no_grad()
def test_features_of_a_text_do_not_depend_on_how_far_it_is_padded(text):
    encoder = build("x", {**CUSTOM, "text_cfg": {"width": 32, "heads": 2, "layers": 1, **text}}, (0.5,) * 3, (0.5,) * 3)
    encoder.module.eval()
    torch.testing.assert_close(encoder.encode_text(TOKENS[:, :10]), encoder.encode_text(TOKENS))


@pytest.mark.parametrize("text", [{"context_length": 32}, {"vocab_size": 32_000}])
def test_a_model_that_reads_other_texts_than_clip_is_refused(text):
    config = {**CUSTOM, "text_cfg": {"width": 32, "heads": 2, "layers": 1, **text}}
    with pytest.raises(ModelError, match=r"and not 77 of CLIP's 49,408"):
        build("x", config, (0.5,) * 3, (0.5,) * 3)


def test_padding_is_cut_only_where_the_mask_is_causal(tiny):
    assert tiny.trim(TOKENS).shape == (2, 10)
    assert build("custom", CUSTOM, (0.5,) * 3, (0.5,) * 3).trim(TOKENS).shape == (2, 77)


def test_an_exclamation_mark_before_an_emoji_is_not_taken_for_padding(tiny):
    tokens = tokenizer()(["what a party!\N{PARTY POPPER}\N{PARTY POPPER}", "a dog"])  # the mark is token 0 there
    assert (tokens[0] == 0).nonzero()[0] < tokens[0].argmax()
    with torch.no_grad():
        torch.testing.assert_close(tiny.encode_text(tiny.trim(tokens)), tiny.encode_text(tokens))


def test_gradient_at_the_embeddings_is_the_first_order_change(tiny):
    embedded = tiny.embed(TOKENS).detach().requires_grad_()
    goal = torch.randn(32, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((tiny.encode_embedded(embedded, TOKENS) @ goal).sum(), embedded)
    nudge = torch.zeros_like(embedded)
    nudge[:, 1] = 1e-3 * torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        change = (tiny.encode_embedded(embedded + nudge, TOKENS) - tiny.encode_embedded(embedded, TOKENS)) @ goal
    assert change.sum().item() == pytest.approx((gradient * nudge).sum().item(), rel=0.1)


def test_a_text_encoder_of_another_kind_is_refused():
    class Other(torch.nn.Module):
        text = torch.nn.Linear(1, 1)

    with pytest.raises(ModelError, match="not like CLIP's"):
        DualEncoder(Other(), EncoderSpec("x", 32, (0.5,) * 3, (0.5,) * 3))
