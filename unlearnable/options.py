"""Keyword arguments of the public calls: the settings of each command, but for those that a call names itself.

Every key may be left out; None stands for "not given" where a type allows it. The settings under the same names in
`unlearnable.config` hold defaults, bounds and meanings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict

from unlearnable.config import (
    Device,
    Format,
    Keep,
    PlatformName,
    Position,
    Precision,
    Preset,
    ScaleName,
    Scope,
    SuiteName,
    Visibility,
)

AnyPath: TypeAlias = str | Path
Names: TypeAlias = str | Sequence[str]
Paths: TypeAlias = str | Path | Sequence[str | Path]
Integers: TypeAlias = int | Sequence[int]
Numbers: TypeAlias = float | Sequence[float]


class MethodOptions(TypedDict, total=False):
    """How noise and triggers are optimised: keys of `unlearnable.config.MEMSettings`."""

    epsilon: int
    step_size: int
    visibility: Visibility
    noise_steps: int
    surrogate_steps: int
    max_rounds: int
    threshold: float
    learning_rate: float
    weight_decay: float
    batch_size: int
    trigger_length: int
    trigger_scope: Scope
    trigger_position: Position
    words: AnyPath | None
    trigger_rounds: int
    candidates: int
    beam_width: int
    adversarial_weight: float
    adversary_steps: int
    towers: Paths
    noise_colour: Literal["grey", "colour"]
    smallest_crop: float
    precision: Precision
    enlarge: Literal["bilinear", "nearest"]


class ProtectionOptions(MethodOptions, total=False):
    """Keywords of `unlearnable.protect_images`: keys of `unlearnable.config.ProtectionSettings`."""

    method: str
    surrogate: Paths
    preset: Preset
    seed: int
    device: Device
    options: Mapping[str, bool | int | float | str]


class ProtectOptions(ProtectionOptions, total=False):
    """Keywords of `unlearnable.protect`: keys of `unlearnable.config.ProtectSettings`."""

    only: Names
    skip: Names
    captions: AnyPath | None
    output: AnyPath | None
    format: Format
    quality: int | None
    platform: PlatformName | None
    borrow_names: int
    initials: Names
    disguise_names: bool
    keep_metadata: Keep
    keep_fields: Names
    photo_column: str | None
    caption_column: str | None
    opt_out: bool
    strict: bool


class ScheduleOptions(TypedDict, total=False):
    """How a model is trained: keys of `unlearnable.config.Schedule`."""

    batch_size: int
    weight_decay: float
    warmup: float
    smallest_crop: float
    one_caption: bool
    precision: Precision


class TrainOptions(ScheduleOptions, total=False):
    """Keywords of `unlearnable.train`: keys of `unlearnable.config.TrainSettings`."""

    captions: Paths
    test_fraction: float
    model: AnyPath
    from_scratch: bool | None
    output: AnyPath
    epochs: int | None
    lr: float | None
    seed: int
    device: Device


class VerifyOptions(ScheduleOptions, total=False):
    """Keywords of `unlearnable.verify`: keys of `unlearnable.config.VerifySettings`."""

    captions: AnyPath | None
    protected_captions: AnyPath | None
    test: AnyPath | None
    photo_column: str | None
    caption_column: str | None
    test_captions: AnyPath | None
    test_fraction: float
    background: AnyPath | None
    background_captions: AnyPath | None
    crowd: AnyPath | None
    crowd_captions: AnyPath | None
    crowd_test: AnyPath | None
    crowd_test_captions: AnyPath | None
    leaked: float
    victims: Paths
    from_scratch: bool
    epochs: int | None
    lr: float | None
    suite: SuiteName | None
    through: Names
    attackers: Names
    ablations: bool
    seeds: Integers
    seed: int
    require: Names
    output: AnyPath | None
    device: Device


class BenchmarkOptions(TypedDict, total=False):
    """Keywords of `unlearnable.benchmark`: keys of `unlearnable.config.BenchmarkSettings`."""

    data: AnyPath | None
    methods: Names | None
    surrogate: AnyPath | None
    victims: Paths | None
    fractions: Numbers | None
    through: Names
    seeds: Integers
    crowd: bool
    crowd_people: Integers
    crowd_draws: int
    leaked: float
    scale: ScaleName
    limit: int | None
    output: AnyPath | None
    cache_dir: AnyPath | None
    latex: bool
    device: Device


class ExplainOptions(TypedDict, total=False):
    """Keywords of `unlearnable.explain`: keys of `unlearnable.config.ExplainSettings`."""

    caption: str | None
    trigger: str | None
    model: Paths
    map: Paths
    map_captions: Paths
    map_posts: int
    output: AnyPath
    seed: int
    device: Device
