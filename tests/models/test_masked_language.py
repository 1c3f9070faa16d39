from __future__ import annotations

import shutil

import pytest
import torch

from unlearnable.errors import ModelError
from unlearnable.models.masked_language import SMALL_MLM, load
from unlearnable.models.tokens import Vocabulary, cut, natural_vocabulary

CAPTIONS = ["a dog runs on grass .", "", "東京 😀", "word " * 300]


@pytest.fixture(scope="module")
def small():
    return load(SMALL_MLM, natural_vocabulary())


def numbers(*words):
    return torch.tensor([[natural_vocabulary().words.index(word) for word in words]])


def test_any_checkpoint_of_transformers_gives_probabilities(tiny_mlm):
    model = load(str(tiny_mlm), natural_vocabulary())
    found = model.next_word([cut(text, 0, 3) for text in CAPTIONS], torch.zeros(4, 0, dtype=torch.long), 3)
    assert found.shape == (4, len(natural_vocabulary().words))
    known = found[0].isfinite()
    assert 100 < known.sum() < len(known)
    assert (found[:, known] < 0).all()
    assert found.exp().sum(dim=1).max() <= 1


def test_what_comes_next_depends_on_caption_and_first_words(tiny_mlm):
    model = load(str(tiny_mlm), natural_vocabulary())
    slots = [cut("a dog on grass", 0, 3), cut("the grass", 0, 3)]
    first = torch.tensor([[0], [0]])
    found = model.next_word(slots, first, 3)
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found, model.next_word(slots, first + 40, 3))
    assert torch.allclose(found[:1], model.next_word(slots[:1], first[:1], 3), atol=1e-4)


def test_the_bundled_model_prefers_what_reads_well(small):
    slot, none = cut("a dog runs on the grass .", 0, 3), torch.zeros(1, 0, dtype=torch.long)

    def nats(*words):
        row, total = numbers(*words), 0.0
        for n in range(3):
            total -= float(small.next_word([slot], row[:, :n], 3)[0, row[0, n]])
        return total

    assert torch.isfinite(small.next_word([slot], none, 3)).sum() > 2000
    assert nats("there", "he", "saw") < nats("saw", "there", "he")
    assert nats("this", "picture", "shows") < nats("turbine", "compound", "monitored")
    assert nats("before", "leaving", "the") < nats("leaving", "the", "before")


@pytest.mark.parametrize("name", ["bert-base-uncased", "no/such-model"])
def test_a_model_that_cannot_be_fetched_names_the_offline_one(name):
    with pytest.raises(ModelError) as caught:
        load(name, natural_vocabulary())
    assert caught.value.exit_code == 4
    assert SMALL_MLM in caught.value.hint


def test_a_folder_that_is_no_masked_language_model_is_refused(tiny_mlm, tmp_path):
    from transformers import BertModel

    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="could not be loaded"):
        load(str(tmp_path / "empty"), natural_vocabulary())
    headless = tmp_path / "headless"
    shutil.copytree(tiny_mlm, headless)
    BertModel.from_pretrained(tiny_mlm).save_pretrained(headless)
    with pytest.raises(ModelError, match="not a masked language model"):
        load(str(headless), natural_vocabulary())


def test_a_model_that_knows_hardly_a_word_is_refused(tiny_mlm):
    with pytest.raises(ModelError, match="knows fewer"):
        load(str(tiny_mlm), Vocabulary(["lantern", "marble"]))
