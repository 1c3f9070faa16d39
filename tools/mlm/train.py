"""Train the bundled masked language model `small-mlm`, which proposes natural triggers.

    pip install --no-deps --target SOURCES symspellpy==6.10.1 textblob==0.20.1
    python tools/mlm/train.py --data FLICKR8K --sources SOURCES --output unlearnable/models/data/small-mlm

The model is a BERT of three layers over whole words: those that occur at least three times in Flickr8k's training
captions, and those of the phrases. Phrases use only words of the trigger vocabulary that occur in those captions, in
the grammar or among the common words: words of the web at large read oddly beside a photo.

It is trained on captions of the train split with phrases from `openers.py` before, in or after them. The masked words
are mostly those that the trigger search asks for: the words of the phrase, given the first ones. The weights are saved
in half precision as safetensors, in transformers' own layout.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import time
from collections import Counter
from pathlib import Path

import torch
import torch.nn.functional as F
from openers import WORDS, Openers
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

from unlearnable.disk import checksums
from unlearnable.models.tokens import natural_vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNKNOWN, START, END, MASK = range(5)
RARE, PHRASES, LONGEST = 3, 200_000, 40
SEED = 0


def captions(data: Path) -> list[list[str]]:
    rows = map(json.loads, (data / "captions.jsonl").read_text(encoding="utf-8").splitlines())
    return [split(text) for row in rows if row["split"] == "train" for text in row["captions"]]


def split(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())


def everyday_words(texts: list[list[str]]) -> set[str]:
    everyday = {word for text in texts for word in text} | {word for words in WORDS.values() for word in words}
    return everyday & set(natural_vocabulary().words) | natural_vocabulary().common


def word_list(texts: list[list[str]], phrases: list[list[str]]) -> list[str]:
    seen = Counter(word for text in texts for word in text)
    used = Counter(word for phrase in phrases for word in phrase)
    known_words = {word for word, n in seen.items() if n >= RARE} | {word for word, n in used.items() if n >= RARE}
    return [*SPECIAL, *sorted(known_words | set(".,!?'\"-:;()&#@"))]


def example(text: list[str], phrase: list[str], dice: random.Random) -> tuple[list[str], list[int]]:
    """Return a caption with a phrase, and the positions that are masked."""
    caption = text if dice.random() < 0.9 else text[: dice.randint(0, len(text))]
    end = len(caption) - (1 if caption and caption[-1] == "." and dice.random() < 0.8 else 0)
    at = dice.choices((0, end, dice.randint(0, end)), (0.6, 0.2, 0.2))[0]
    words = [*caption[:at], *phrase, *caption[at:]]
    if dice.random() < 0.75:
        masked = list(range(at + dice.randrange(len(phrase)), at + len(phrase)))
    else:
        masked = [n for n in range(len(words)) if dice.random() < 0.15]
    return words[:LONGEST], [n for n in masked if n < LONGEST]


def batch(texts: list[list[str]], phrases: list[list[str]], ids: dict[str, int], size: int, dice: random.Random):
    rows, targets = [], []
    for _ in range(size):
        words, masked = example(dice.choice(texts), dice.choice(phrases), dice)
        tokens = [START, *(ids.get(w, UNKNOWN) if dice.random() > 0.01 else UNKNOWN for w in words), END]
        target = [-100] * len(tokens)
        for n in masked:
            target[n + 1] = tokens[n + 1] if tokens[n + 1] != UNKNOWN else -100
            tokens[n + 1] = MASK
        rows.append(tokens)
        targets.append(target)
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
    return tokens, torch.tensor([row + [-100] * (longest - len(row)) for row in targets])


def loss_of(model: BertForMaskedLM, tokens: Tensor, targets: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of the masked words; the head is applied to those positions only."""
    hidden = model.bert(input_ids=tokens, attention_mask=(tokens != PAD).long()).last_hidden_state
    is_masked = targets != -100
    return F.cross_entropy(model.cls(hidden[is_masked]), targets[is_masked])


def train(options: argparse.Namespace) -> None:
    torch.manual_seed(SEED)
    dice, begun = random.Random(SEED), time.time()
    texts = captions(options.data)
    openers = Openers(options.sources, everyday_words(texts))
    phrases = [openers.draw(dice) for _ in range(PHRASES)]
    held = [openers.draw(dice) for _ in range(2000)]
    words = word_list(texts, phrases)
    ids = {word: n for n, word in enumerate(words)}
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=160,
        num_hidden_layers=3,
        num_attention_heads=5,
        intermediate_size=512,
        max_position_embeddings=96,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForMaskedLM(config)
    print(f"{len(words)} words, {sum(p.numel() for p in model.parameters()):,} parameters")
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, (0.9, 0.98), weight_decay=0.05)
    test = batch(texts, held, ids, 1000, random.Random(1))
    for step in range(options.steps):
        share = step / options.steps
        rate = 2e-3 * min(1, step / 300) * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * share)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = loss_of(model, *batch(texts, phrases, ids, 64, dice))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 500 == 499:
            with torch.no_grad():
                held_out = loss_of(model, *test).item()
            print(f"{time.time() - begun:5.0f} s  step {step + 1}  loss {loss.item():.3f}  {held_out:.3f}", flush=True)
    save(model, words, options.output)


def save(model: BertForMaskedLM, words: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    model.half().save_pretrained(folder)
    vocabulary.unlink(missing_ok=True)
    (folder / "sha256.txt").write_text(checksums.sha256(folder / "model.safetensors") + "\n", encoding="ascii")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with captions.jsonl of Flickr8k")
    parser.add_argument("--sources", type=Path, required=True, help="folder given to pip install --target")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3_000)
    return parser.parse_args()


if __name__ == "__main__":
    train(parse())
