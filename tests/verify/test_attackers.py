"""What each attacker does to photos, losses, weights and pairs."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import CAPTIONS
from tests.contract.test_attackers import TOWERS, victim
from unlearnable.models.tokens import tokenizer
from unlearnable.settings import AS_USUAL
from unlearnable.storage.progress import Silent
from unlearnable.training.loop import PLAIN, Batch, Recipe, TrainingTask, contrastive_loss, fit
from unlearnable.training.retrieval import embed
from unlearnable.verify.attackers import ATTACKERS, photos as photos_module
from unlearnable.verify.attackers.photos import JITTER, strong_view
from unlearnable.verify.attackers.selection import DropDissimilar, all_but_projections, shallow_half


@pytest.fixture
def batch():
    pixels = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return Batch(pixels, tokenizer()([f"{text} {n}" for n, text in enumerate((*CAPTIONS, "a photo"))]))


def changed(name, batch, seed=0, model=None):
    return ATTACKERS[name].batch(model or victim(), batch, torch.Generator().manual_seed(seed))


def losses(model, batch):
    with torch.no_grad():
        features = model.encode_image(batch.pixels), model.encode_text(batch.tokens)
        return contrastive_loss(*features, model.logit_scale, reduction="none")


def test_plain_changes_nothing(batch, pairs, tiny):
    assert ATTACKERS[AS_USUAL] is PLAIN
    assert changed(AS_USUAL, batch) is batch
    assert PLAIN.choose(tiny, pairs) is pairs


@pytest.mark.parametrize("name", ["cutout", "cutmix", "mixup", "ueraser-max", "adversarial"])
def test_photos_change_within_their_range_and_the_argument_does_not(name, batch):
    before = batch.pixels.clone()
    found = changed(name, batch)
    assert torch.equal(batch.pixels, before)
    assert not torch.equal(found.pixels, before)
    assert found.pixels.shape == before.shape
    assert 0 <= found.pixels.min() <= found.pixels.max() <= 1
    assert torch.equal(found.pixels, changed(name, batch).pixels)
    if name != "adversarial":  # which draws nothing
        assert not torch.equal(found.pixels, changed(name, batch, seed=1).pixels)


def test_cutout_covers_a_square_of_at_most_half_the_side(batch):
    covered = (changed("cutout", batch).pixels == 0.5).all(dim=1)
    for one in covered:
        rows, columns = one.any(dim=1).sum(), one.any(dim=0).sum()
        assert 0 < rows <= 17
        assert 0 < columns <= 17
        assert one.sum() == rows * columns


def test_cutmix_takes_each_pixel_from_the_photo_or_its_partner_and_weighs_by_area(batch):
    found = changed("cutmix", batch)
    own, other = (found.pixels == batch.pixels), (found.pixels == batch.pixels[found.partners])
    assert (own | other).all()
    mixed = found.partners != torch.arange(6)
    assert mixed.any()
    assert 0 < found.weight < 1
    assert own[mixed].float().mean().item() == pytest.approx(found.weight, abs=1e-6)


def test_mixup_blends_by_its_weight(batch):
    found = changed("mixup", batch)
    blend = found.weight * batch.pixels + (1 - found.weight) * batch.pixels[found.partners]
    assert torch.equal(found.pixels, blend)


def test_the_loss_of_mixed_photos_is_the_convex_combination_of_both_pairings(batch):
    images, texts = torch.nn.functional.normalize(torch.randn(2, 6, 8), dim=-1)
    partners, scale = torch.tensor([1, 2, 3, 4, 5, 0]), torch.tensor(5.0)
    own, other = contrastive_loss(images, texts, scale), contrastive_loss(images, texts[partners], scale)
    assert batch.loss(images, texts, scale) == own
    mixed = Batch(batch.pixels, batch.tokens, partners, 0.25).loss(images, texts, scale)
    assert mixed.item() == pytest.approx(0.25 * own.item() + 0.75 * other.item())


def test_ueraser_takes_the_version_of_the_largest_loss(batch):
    model, generator = victim(), torch.Generator().manual_seed(0)
    found = changed("ueraser-max", batch, model=model)
    views = [strong_view(batch.pixels, generator) for _ in range(5)]
    each = torch.stack([losses(model, Batch(view, batch.tokens)) for view in views])
    for n, best in enumerate(each.argmax(dim=0).tolist()):
        assert torch.equal(found.pixels[n], views[best][n])


def test_a_strong_view_changes_brightness_and_colourfulness_up_and_down(monkeypatch):
    monkeypatch.setattr(photos_module, "PLASMA", 0)
    flat = torch.tensor([0.3, 0.4, 0.5])[None, :, None, None].expand(400, 3, 4, 4)
    views = strong_view(flat, torch.Generator().manual_seed(0)).mean(dim=(2, 3))
    bright, spread = views.mean(dim=1) / 0.4, (views.amax(dim=1) - views.amin(dim=1)) / 0.2
    assert bright.mean().item() == pytest.approx(1, abs=0.05)
    assert [bright.min().item(), bright.max().item()] == pytest.approx([1 - JITTER, 1 + JITTER], abs=0.02)
    assert spread.max() > (1 + JITTER) ** 2  # brightness, contrast and saturation, each by its own factor
    assert spread.min() < (1 - JITTER) ** 2


def test_the_adversarial_step_is_of_2_255_and_raises_the_loss(batch):
    model, inner = victim(), Batch(0.1 + 0.8 * batch.pixels, batch.tokens)
    found = changed("adversarial", inner, model=model)
    amount = (255 * (found.pixels - inner.pixels)).abs()
    assert amount.max().item() == pytest.approx(2, abs=1e-3)
    assert amount.mean().item() > 1.9
    assert losses(model, found).mean() > losses(model, inner).mean()
    assert all(weights.grad is None for weights in model.module.parameters())


@pytest.mark.parametrize("name", ["ueraser-max", "adversarial"])
def test_looking_for_the_worst_leaves_the_statistics_of_normalisations(name, batch):
    model = victim("resnet")
    model.learn()  # as the step before left it
    before = {key: value.clone() for key, value in model.module.state_dict().items()}
    changed(name, batch, model=model)
    assert all(torch.equal(value, before[key]) for key, value in model.module.state_dict().items())


LEARNING = {
    "vit": {"visual.proj", "text_projection", "logit_scale"},
    "resnet": {"visual.attnpool.c_proj.weight", "visual.attnpool.c_proj.bias", "text_projection", "logit_scale"},
    "timm": {"visual.head.proj.weight", "text_projection", "logit_scale"},
}
FIRST_AND_LAST = {
    "vit": ("visual.conv1.weight", "visual.ln_post.weight"),
    "resnet": ("visual.conv1.weight", "visual.layer4.0.conv3.weight"),
    "timm": ("visual.trunk.conv_stem.weight", "visual.trunk.conv_head.weight"),
}


def named(model, weights):
    """The names of some weights of a model."""
    chosen = {id(one) for one in weights}
    return {name for name, one in model.module.named_parameters() if id(one) in chosen}


def moved(name, tower, pairs):
    """The names of the entries of the state that a training with that attacker changes."""
    model = victim(tower)
    before = {key: value.clone() for key, value in model.module.state_dict().items()}
    fit(model, TrainingTask(pairs, pairs, Recipe(epochs=2, lr=1e-3, batch_size=5), attacker=ATTACKERS[name]), Silent())
    return {key for key, value in model.module.state_dict().items() if not torch.equal(value, before[key])}


@pytest.mark.parametrize("tower", TOWERS)
def test_a_probe_learns_the_projections_and_the_scale_alone(tower, pairs):
    model = victim(tower)
    assert named(model, model.module.parameters()) - named(model, all_but_projections(model)) == LEARNING[tower]
    assert moved("probe", tower, pairs) == LEARNING[tower]


@pytest.mark.parametrize("tower", TOWERS)
def test_frozen_keeps_the_shallow_half_of_the_photo_encoder_with_its_statistics(tower, pairs):
    model, (first, last) = victim(tower), FIRST_AND_LAST[tower]
    names = named(model, shallow_half(model))
    assert first in names
    assert last not in names
    assert not names & LEARNING[tower]
    assert all(name.startswith("visual.") for name in names)
    found = moved("frozen", tower, pairs)
    layers = {name.rpartition(".")[0] for name in names if name.endswith(".weight")}
    assert not {name for name in found if name.rpartition(".")[0] in layers}
    assert {last, *LEARNING[tower], "token_embedding.weight"} <= found


def test_the_pairs_of_the_lowest_cosine_are_dropped(tiny, pairs):
    images, texts, owners = embed(tiny, pairs)
    cosines = (images[owners] * texts).sum(dim=1)
    kept = ATTACKERS["drop-dissimilar"].choose(tiny, pairs)
    dropped = sorted(set(range(10)) - set(kept.photos.tolist()))
    assert dropped == sorted(cosines.argsort()[:2].tolist())
    assert kept.photos.tolist() == sorted(kept.photos.tolist())
    assert torch.equal(kept.tokens, pairs.tokens[kept.photos])
    assert len(DropDissimilar(share=0.05).choose(tiny, pairs)) == 10
