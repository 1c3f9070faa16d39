from __future__ import annotations

from itertools import combinations
from statistics import median

import pytest
import torch
from hypothesis import given, strategies as st
from torch.nn.functional import normalize

from unlearnable.errors import ModelError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.report import BothWays, Retrieval
from unlearnable.training import retrieval
from unlearnable.training.data import Pairs
from unlearnable.training.retrieval import Ranks, chance, embed, embed_texts, hit, medr, queries_of, rank, scores


def brute(images, texts, owner):
    """Ranks by sorting, one query at a time; of equal scores the others come first."""
    scores = (images @ texts.T).tolist()
    text_ranks = []
    for caption, photo in enumerate(owner.tolist()):
        others = [row[caption] for n, row in enumerate(scores) if n != photo]
        text_ranks.append(1 + sum(score >= scores[photo][caption] for score in others))
    image_ranks = []
    for photo, row in enumerate(scores):
        best = max(score for score, n in zip(row, owner.tolist(), strict=True) if n == photo)
        image_ranks.append(1 + sum(s >= best for s, n in zip(row, owner.tolist(), strict=True) if n != photo))
    return image_ranks, text_ranks


@st.composite
def owners(draw):
    """Which photo each caption belongs to: one to four captions a photo, in any order."""
    captions = draw(st.lists(st.integers(1, 4), min_size=1, max_size=7))
    return torch.tensor(draw(st.permutations([n for n, count in enumerate(captions) for _ in range(count)])))


def in_chunks(chunk, images, texts, owner):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "CHUNK", chunk)
        return rank(images, texts, owner)


@given(owners(), st.integers(0, 10**6), st.sampled_from([1, 2, 3, 512]), st.sampled_from([1, 3]))
def test_ranks_equal_a_brute_force_count_also_with_ties_and_chunks(owner, seed, chunk, width):
    generator = torch.Generator().manual_seed(seed)
    photos = int(owner.max()) + 1
    images = torch.randint(-1, 2, (photos, width), generator=generator).float()  # small whole numbers: many ties
    texts = torch.randint(-1, 2, (len(owner), width), generator=generator).float()
    ranks = in_chunks(chunk, images, texts, owner)
    image_ranks, text_ranks = brute(images, texts, owner)
    assert ranks.image_to_text.tolist() == image_ranks
    assert ranks.text_to_image.tolist() == text_ranks


@pytest.mark.parametrize(("photos", "chunk"), [(1, 1), (37, 1), (37, 512)])
def test_a_model_that_says_nothing_gets_the_last_rank(photos, chunk):
    one = normalize(torch.randn(512, generator=torch.Generator().manual_seed(0)), dim=0)  # no round numbers
    other = normalize(torch.randn(512, generator=torch.Generator().manual_seed(1)), dim=0)
    ranks = in_chunks(chunk, one.repeat(photos, 1), other.repeat(photos, 1), torch.arange(photos))
    assert ranks.image_to_text.tolist() == ranks.text_to_image.tolist() == [photos] * photos


def test_a_photo_takes_its_best_caption_and_its_others_do_not_count_against_it():
    images = torch.eye(2)
    texts = torch.tensor([[3.0, 0], [3, 0], [2, 0], [1, 1]])
    assert rank(images, texts, torch.tensor([0, 0, 0, 1])).image_to_text.tolist() == [1, 1]
    assert rank(images, texts, torch.tensor([0, 1, 0, 0])).image_to_text.tolist() == [2, 4]


def test_hit_is_the_number_nearest_to_the_share():
    """0.07 * 100 is above 7, which a requirement such as hit10<=7 would miss."""
    for size in (20, 50, 100, 120):
        for found in range(size + 1):
            assert hit(torch.tensor([1] * found + [11] * (size - found))) == 100 * found / size


def test_hit_and_medr():
    ranks = torch.tensor([1, 10, 11, 200])
    assert hit(ranks, 10) == 50.0
    assert medr(ranks) == 10.5
    assert medr(torch.tensor([7])) == 7


def gallery(captions, width=8):
    """Random features without ties, captions near enough to their photo for ranks of all sizes."""
    generator = torch.Generator().manual_seed(0)
    owner = torch.arange(len(captions)).repeat_interleave(torch.tensor(captions))
    images = normalize(torch.randn(len(captions), width, generator=generator), dim=1)
    noise = torch.randn(len(owner), width, generator=generator) / width**0.5
    return images, normalize(images[owner] + 1.5 * noise, dim=1), owner


CAPTIONS = [[1] * 60, [5] * 60, [1, 2, 5, 3] * 15]


def test_hit_is_the_figure_clip_benchmark_publishes(capsys):
    from clip_benchmark.metrics.zeroshot_retrieval import evaluate

    images, texts, owner = gallery([5] * 60)

    class Model:
        encode_image = staticmethod(lambda batch: images[batch])
        encode_text = staticmethod(lambda batch: texts[batch])

    batches = [
        (torch.arange(n, n + 20), [(owner == p).nonzero()[:, 0].tolist() for p in range(n, n + 20)])
        for n in range(0, 60, 20)
    ]
    figures = evaluate(Model, batches, torch.tensor, "cpu", amp=False, recall_k_list=[1, 10])
    ranks = rank(images, texts, owner)
    for k in (1, 10):
        assert hit(ranks.text_to_image, k) == pytest.approx(100 * figures[f"image_retrieval_recall@{k}"])
        assert hit(ranks.image_to_text, k) == pytest.approx(100 * figures[f"text_retrieval_recall@{k}"])


@pytest.mark.parametrize("captions", CAPTIONS)
@pytest.mark.parametrize("k", [1, 10])
def test_hit_is_torchmetrics_hit_rate(captions, k):
    from torchmetrics.retrieval import RetrievalHitRate, RetrievalRecall

    images, texts, owner = gallery(captions)
    scores = texts @ images.T
    positive = owner[:, None] == torch.arange(len(images))
    query = torch.arange(len(texts))[:, None].expand_as(scores)
    photo = torch.arange(len(images))[None].expand_as(scores)
    ranks = rank(images, texts, owner)
    by_caption, by_photo = (RetrievalHitRate(top_k=k)(scores, positive, indexes=n) for n in (query, photo))
    assert hit(ranks.text_to_image, k) == pytest.approx(100 * float(by_caption))
    assert hit(ranks.image_to_text, k) == pytest.approx(100 * float(by_photo))
    # with one partner a query its recall is the same, if scores are above 0: it leaves out partners that are not
    recall = RetrievalRecall(top_k=k)(scores + 2, positive, indexes=query)
    assert hit(ranks.text_to_image, k) == pytest.approx(100 * float(recall))


def test_scores_are_of_the_direction_that_they_are_called_by():
    found = scores(Ranks(image_to_text=torch.tensor([1, 20]), text_to_image=torch.tensor([3, 8, 30, 40])))
    assert (found.image_to_text.hit1, found.image_to_text.hit10, found.image_to_text.medr) == (50, 50, 10.5)
    assert (found.text_to_image.hit1, found.text_to_image.hit5, found.text_to_image.hit10) == (0, 25, 50)


def captions_of(owner):
    """A gallery of captions of these photos; nothing else of it counts."""
    return Pairs([], torch.tensor(owner), torch.zeros(len(owner), 77, dtype=torch.long))


@pytest.mark.parametrize(("captions", "size"), [(1, 2), (2, 4), (1, 6), (3, 9), (4, 15)])
def test_chance_is_exact_where_every_order_can_be_counted(captions, size):
    found = chance(captions_of([0] * captions + list(range(1, size - captions + 1))), queries=1)
    ranks = [1 + min(places) for places in combinations(range(size), captions)]
    for k in (1, 5, 10):
        expected = 100 * sum(r <= k for r in ranks) / len(ranks)
        assert getattr(found.image_to_text, f"hit{k}") == pytest.approx(expected, abs=1e-12)
    assert found.image_to_text.medr == median(ranks)
    assert found.text_to_image.medr == (size - captions + 2) / 2


def test_chance_of_flickr8k_and_of_the_queries_that_count():
    found = chance(captions_of([photo for photo in range(1000) for _ in range(5)]))
    assert (found.text_to_image.hit10, found.text_to_image.medr, found.image_to_text.medr) == (1.0, 500.5, 647)
    assert found.image_to_text.hit10 == pytest.approx(0.9965, abs=1e-3)
    first, both = chance(captions_of([0, 1, 1, 1]), queries=1), chance(captions_of([0, 1, 1, 1]))
    assert (first.image_to_text.hit1, first.text_to_image.hit1) == (25, 50)
    assert (both.image_to_text.hit1, both.text_to_image.hit1) == (50, 50)
    twenty = Retrieval(hit1=5, hit5=25, hit10=50, medr=10.5)
    assert chance(captions_of(range(20))) == BothWays(image_to_text=twenty, text_to_image=twenty)


def test_the_queries_of_the_first_photos_are_theirs_and_their_captions_and_the_others_are_the_rest():
    ranks, gallery = Ranks(torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6, 7])), captions_of([0, 2, 1, 0])
    for others, photos, captions in ((False, [1, 2], [4, 6, 7]), (True, [3], [5])):
        found = queries_of(ranks, gallery, 2, others=others)
        assert (found.image_to_text.tolist(), found.text_to_image.tolist()) == (photos, captions)
    assert queries_of(ranks, gallery, None) is ranks


def test_a_model_that_was_just_trained_is_at_rest(tiny, pairs, monkeypatch):
    at_rest = []
    for name, encode in (("encode_image", DualEncoder.encode_image), ("encode_text", DualEncoder.encode_text)):

        def watched(model, given, encode=encode):
            at_rest.append(not model.module.training)
            return encode(model, given)

        monkeypatch.setattr(DualEncoder, name, watched)
    tiny.module.train()
    embed(tiny, pairs)
    tiny.module.train()
    embed_texts(tiny, pairs.tokens)
    assert at_rest == [True] * 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_those_of_a_damaged_model(tiny, pairs, monkeypatch, value):
    monkeypatch.setattr(DualEncoder, "encode_text", lambda _, tokens: torch.full((len(tokens), 2), value))
    with pytest.raises(ModelError, match="tiny returns features that are not finite"):
        embed(tiny, pairs)


def test_each_caption_has_the_features_of_its_own_photo_in_whatever_batches(tiny, pairs, monkeypatch):
    monkeypatch.setattr("unlearnable.training.retrieval.BATCH", 2)
    chosen = torch.tensor([7, 2, 9, 2, 0, 5])
    some = Pairs(pairs.pixels, pairs.photos[chosen], pairs.tokens[chosen])
    images, texts, owners = embed(tiny, some)
    assert len(images) == 5
    for row, number in enumerate(chosen.tolist()):
        image, text, _ = embed(tiny, Pairs(pairs.pixels, pairs.photos[[number]], pairs.tokens[[number]]))
        torch.testing.assert_close(images[owners[row]], image[0])
        torch.testing.assert_close(texts[row], text[0])
