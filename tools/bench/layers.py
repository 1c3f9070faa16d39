"""Time steps of models with the layers that open_clip has and with those that take their place, in turns.

python tools/bench/layers.py [MODEL ...] [--photos 48] [--rounds 4] [--threads 1]

Each step in the number format that `--precision auto` chooses for the encoder. Memory is kept from step to step, as
`protect` keeps it. MODEL is a name that `protect --surrogate` takes, or one of open_clip's architectures, which gets
random weights.
"""

from __future__ import annotations

from precision import asked, in_turns, model_of, seconds
from torch import nn

from unlearnable.models.dual_encoder import ENCODERS, DualEncoder, Encoder, in_bf16
from unlearnable.models.fast_layers import CLASSES, Depthwise, MeanOfFour, NoPool, Patches
from unlearnable.training.loop import kept

HEAD = "| model | encoder | format | step | open_clip's, ms each | replaced | times as fast |"
BUILT: dict[type[nn.Module], type[nn.Module]] = {
    **{equal: slow for slow, equal in CLASSES.items()},
    Patches: nn.Conv2d,
    Depthwise: nn.Conv2d,
    NoPool: nn.AvgPool2d,
    MeanOfFour: nn.AvgPool2d,
}


def as_built(model: DualEncoder) -> DualEncoder:
    """Return a copy of a model with the layers that open_clip has."""
    copy = model.clone()
    for layer in copy.module.modules():
        layer.__class__ = BUILT.get(type(layer), type(layer))
    return copy


def compare(model: DualEncoder, count: int, rounds: int, encoder: Encoder, *, train: bool) -> list[str]:
    """Return median milliseconds both ways, and the median ratio of a turn."""
    built, bf16 = as_built(model), in_bf16(model, "auto", encoder)
    turns = []
    for _ in range(rounds):
        first, second = (seconds(each, count, bf16=bf16, train=train, encoder=encoder) for each in (built, model))
        turns.append((first, second))
    return ["bf16" if bf16 else "fp32", "training" if train else "noise", *in_turns(turns)]


def main() -> None:
    options = asked(__doc__, HEAD, ["small", "resnet-small", "vit-small", "RN50", "ViT-B-32"], 48, rounds=4)
    for name in options.models:
        model = model_of(name)
        for encoder in ENCODERS:
            for train in (False, True):
                with kept():
                    cells = compare(model, options.photos, options.rounds, encoder, train=train)
                print("|", " | ".join([name, encoder, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
