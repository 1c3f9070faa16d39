"""Time steps of the photo towers that keep the memory of tensors against steps that give it back, in turns.

python tools/bench/memory.py [MODEL ...] [--photos 64] [--rounds 4] [--threads 1]
"""

from __future__ import annotations

from precision import asked, in_turns, model_of, seconds

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import in_bf16
from unlearnable.training.loop import kept

HEAD = "| model | step | ms a photo | memory kept | times as fast |"


def compare(model: DualEncoder, photos: int, rounds: int, *, train: bool) -> list[str]:
    """Return the cells of a kind of step: median milliseconds both ways, and the median ratio of a turn."""
    bf16, turns = in_bf16(model, "auto", "photo"), []
    for _ in range(rounds):
        plain = seconds(model, photos, bf16=bf16, train=train)
        with kept():
            turns.append((plain, seconds(model, photos, bf16=bf16, train=train)))
    return in_turns(turns)


def main() -> None:
    options = asked(__doc__, HEAD, ["small", "resnet-small", "vit-small"], 64, rounds=4)
    for name in options.models:
        model = model_of(name)
        for train in (False, True):
            cells = compare(model, options.photos, options.rounds, train=train)
            print("|", " | ".join([name, "training" if train else "noise", *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
