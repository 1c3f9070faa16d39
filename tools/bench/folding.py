"""Time noise steps of the photo encoders with batch normalisation folded into the convolutions and without, in turns.

python tools/bench/folding.py [MODEL ...] [--photos 48] [--rounds 4] [--threads 1]

Memory is kept from step to step, as `protect` keeps it. MODEL is a name that `protect --surrogate` takes, or one of
open_clip's architectures, which gets random weights.
"""

from __future__ import annotations

from precision import asked, in_turns, model_of, seconds

from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.training.loop import kept

HEAD = "| model | format | noise step, ms a photo | folded | times as fast |"


def compare(model: DualEncoder, photos: int, rounds: int, *, bf16: bool) -> list[str]:
    """Return median milliseconds of the tower as it was loaded and folded, and the median ratio of a turn."""
    turns = []
    for _ in range(rounds):
        model.learn()
        plain = seconds(model, photos, bf16=bf16, train=False)
        model.settle()
        turns.append((plain, seconds(model, photos, bf16=bf16, train=False)))
    return in_turns(turns)


def main() -> None:
    options = asked(__doc__, HEAD, ["small", "resnet-small", "conv-small", "RN50"], 48, rounds=4)
    for name in options.models:
        model = model_of(name)
        for bf16 in (False, True):
            with kept():
                cells = compare(model, options.photos, options.rounds, bf16=bf16)
            print("|", " | ".join([name, "bf16" if bf16 else "fp32", *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
