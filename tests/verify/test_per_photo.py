"""Figures of single photos add up to Hit@10, and the captions of one photo count as one chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.test_verdict import cell
from unlearnable.report import RanksRecord
from unlearnable.verify.findings import hit_interval, hits


def ranked(text_to_image, image_to_text=(1,), seed=0):
    record = RanksRecord(image_to_text=list(image_to_text), text_to_image=list(text_to_image))
    return cell("clean", 50, seed).model_copy(update={"ranks": record})


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 30)), min_size=1))
def test_the_mean_over_photos_is_the_mean_over_captions(captions):
    owners = np.unique([owner for owner, _ in captions], return_inverse=True)[1].tolist()
    ranks = [rank for _, rank in captions]
    values = hits([ranked(ranks)], "text_to_image", owners)
    assert values.shape == (1, max(owners) + 1)
    assert values.mean() == pytest.approx(100 * np.mean(np.array(ranks) <= 10))


def test_captions_of_one_photo_that_agree_say_no_more_than_one():
    once = hit_interval([ranked([1, 20] * 10)], "text_to_image", list(range(20)))
    five_times = hit_interval([ranked(np.repeat([1, 20] * 10, 5))], "text_to_image", np.repeat(range(20), 5).tolist())
    assert five_times == pytest.approx(once)


def test_a_photo_counts_by_its_own_rank_and_each_seed_is_a_row():
    cells = [ranked([1], [10, 11], seed) for seed in range(3)]
    assert hits(cells, "image_to_text", [0]).tolist() == [[100, 0]] * 3


def test_cells_without_ranks_have_no_interval():
    assert hit_interval([ranked([1]), cell("clean", 50)], "text_to_image", []) is None
    assert hit_interval([], "text_to_image", []) is None
