from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from unlearnable.training.attacker import contrastive_loss, same_source_mask


def features(rows: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(rows, 8, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_equals_open_clips_loss():
    from open_clip.loss import ClipLoss

    images, texts, scale = features(6), features(6, 1), torch.tensor(14.3)
    assert contrastive_loss(images, texts, scale).item() == pytest.approx(
        ClipLoss()(images, texts, scale).item(), rel=1e-6
    )


def test_reduction_none_is_one_loss_a_pair():
    each = contrastive_loss(features(6), features(6, 1), torch.tensor(5.0), reduction="none")
    assert each.shape == (6,)
    assert each.mean().item() == pytest.approx(contrastive_loss(features(6), features(6, 1), torch.tensor(5.0)).item())


def test_a_perfect_pair_that_is_repeated_costs_nothing_once_masked():
    images = F.normalize(torch.eye(4)[[0, 0, 1, 2]], dim=-1)
    scale = torch.tensor(100.0)
    mask = same_source_mask(torch.tensor([0, 0, 1, 2]), torch.tensor([5, 5, 6, 7]))
    assert contrastive_loss(images, images, scale).item() > 0.3
    assert contrastive_loss(images, images, scale, drop=mask).item() == pytest.approx(0, abs=1e-6)


def test_mask_keeps_the_diagonal_and_marks_same_photo_or_caption():
    mask = same_source_mask(torch.tensor([0, 0, 1]), torch.tensor([3, 4, 4]))
    assert mask.tolist() == [[False, True, False], [True, False, True], [False, True, False]]


def test_decoys_raise_the_loss_of_images_only():
    images, texts, scale = features(4), features(4, 1), torch.tensor(10.0)
    plain = contrastive_loss(images, texts, scale)
    fooled = contrastive_loss(images, texts, scale, decoys=images)
    assert fooled > plain
    one = contrastive_loss(images[:1], texts[:1], scale)
    assert one.item() == 0  # a single pair proves nothing without decoys
    assert contrastive_loss(images[:1], texts[:1], scale, decoys=texts[1:]).item() > 0


def test_decoys_are_further_texts_for_every_image():
    images, texts, scale, own = features(4), features(7, 1), torch.tensor(10.0), torch.arange(4)
    among_all = F.cross_entropy(scale * images @ texts.T, own, reduction="none")
    among_images = F.cross_entropy(scale * texts[:4] @ images.T, own, reduction="none")
    found = contrastive_loss(images, texts[:4], scale, decoys=texts[4:], reduction="none")
    torch.testing.assert_close(found, (among_all + among_images) / 2)
