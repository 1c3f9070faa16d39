"""Settings of `protect`, the numbers behind a preset, and the platforms that photos are posted to."""

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_serializer, field_validator

from unlearnable.settings.base import DefaultText, DeviceSetting, Precision, SeedSetting, Settings

Position = Literal["start", "end", "random"]
NoiseColour = Literal["grey", "colour"]
Visibility = Literal["low", "medium", "high"]
LookKind = Literal["none", "subtle", "film", "strong"]
MOVED: dict[Visibility, float] = {"low": 0.14, "medium": 0.25, "high": 1.0}  # share of the noise, in a step


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that a method's noise and words depend on, besides the posts. Pixel values are counted in 1/255.

    Each number is chosen by measurement; the first five are options, the others are a preset's.
    """

    epsilon: int = 8
    look: LookKind = "none"
    trigger_length: int = 3  # words
    trigger_position: Position = "start"
    words: Path | None = None  # a file of words for triggers, in place of the built-in ones

    noise_colour: NoiseColour = "colour"  # grey, the same in all channels, is what eyes see least
    step_size: int = 1  # for each 8 of epsilon
    visibility: Visibility = "high"  # how much of the noise a step moves; low hides it in texture, high is the paper's
    noise_steps: int = 8  # for each photo in a round, N in the paper
    surrogate_steps: int = 8  # in a round, M in the paper
    max_rounds: int = 8
    trigger_rounds: int = 2  # the first ones improve the triggers
    threshold: float = 0.01  # loss below which the run stops early, unless proxies take part
    learning_rate: float = 1e-4  # of the surrogates (AdamW)
    weight_decay: float = 0.2
    batch_size: int = 64
    smallest_crop: float = 0.9  # share of a photo's area, in the crops that the noise is made on
    precision: Precision = "auto"
    proxies: tuple[str, ...] = ()  # models of other families, which are tuned on the clean posts beside the surrogates
    proxy_weight: float = 0.0  # noise steps by the feature-shift loss of the proxies, for each one by the MEM loss
    proxy_tuning_steps: int = 128

    @property
    def step(self) -> int:
        """Length of a signed step, in 1/255: `step_size` for each 8 of `epsilon`, so that noise gets to its bound."""
        return self.step_size * max(1, self.epsilon // 8)

    @property
    def ends_at_threshold(self) -> bool:
        """Whether a low loss is all that a run is for; it does not say that the features in proxies have shifted."""
        return not self.proxy_weight


PAPER = Hyperparameters()
BALANCED = Hyperparameters(
    noise_colour="grey",
    visibility="low",
    noise_steps=12,
    proxies=("resnet-small", "vit-small"),
    proxy_weight=9.0,
    proxy_tuning_steps=32,
)
PRESETS: dict[str, Hyperparameters] = {
    "fast": replace(
        BALANCED,
        look="strong",
        step_size=3,
        visibility="medium",
        noise_steps=4,
        surrogate_steps=8,
        max_rounds=1,
        trigger_rounds=1,
        proxy_tuning_steps=8,
    ),
    "balanced": BALANCED,
    "strong": replace(BALANCED, noise_steps=16, visibility="medium"),
    "paper": PAPER,
}


@dataclass(frozen=True)
class Platform:
    """What a place does to large photos."""

    quality: int  # of JPEG, from 1 to 100
    width: int | None = None  # largest one, in pixels; None for any
    longest: int | None = None  # largest side
    pixels: int | None = None  # largest product of height and width

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) that a photo of this size is reduced to, in pixels; no photo is enlarged."""
        scale = min(
            1.0,
            (self.width or width) / width,
            (self.longest or max(height, width)) / max(height, width),
            math.sqrt((self.pixels or height * width) / (height * width)),
        )
        return (max(1, math.floor(height * scale + 1e-9)), max(1, math.floor(width * scale + 1e-9)))


PlatformName = Literal["web", "instagram", "facebook", "x", "mastodon"]
PLATFORMS: dict[PlatformName, Platform] = {
    "web": Platform(quality=90, longest=2048),
    "instagram": Platform(quality=90, width=1080),
    "facebook": Platform(quality=90, longest=2048),
    "x": Platform(quality=85, longest=2048),
    "mastodon": Platform(quality=90, pixels=3840 * 2160),
}
Format = Literal["auto", "png", "webp", "jpeg"]
Keep = Literal["none", "safe", "all"]
NameStyle = Literal["keep", "initials", "lookalike"]
OUTSIDE_THE_DIGEST = frozenset({"photos", "captions", "output", "words", "device"})


class ProtectionSettings(Settings):
    """What noise and triggers depend on besides the posts, wherever these lie."""

    method: str = Field(default="mem", description="Method that makes noise and triggers.")
    surrogate: tuple[str, ...] = Field(
        default=("small",), min_length=1, description="Model the noise is made on: small, RN50:openai, a checkpoint."
    )
    preset: str = Field(default="balanced", description="Strength: fast (with a look), balanced, strong; or paper.")
    epsilon: int = Field(
        default=8, ge=1, le=64, description="Bound of the noise, in 1/255; 16 protects and shows more."
    )
    look: Annotated[LookKind | None, DefaultText("that of the preset")] = Field(
        default=None, description="Mild filter, another for each person: none, subtle, film or strong."
    )
    words: Path | None = Field(default=None, description="File of your own words for triggers, one a line.")
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"

    @field_validator("preset")
    @classmethod
    def _known(cls, preset: str) -> str:
        if preset not in PRESETS:
            raise ValueError("needs to be 'fast', 'balanced', 'strong' or 'paper'")
        return preset

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The settings of the method: those of the preset, with what was chosen. Only MEM has a preset's look."""
        preset = PRESETS[self.preset]
        look = self.look or (preset.look if self.method == "mem" else "none")
        return replace(preset, epsilon=self.epsilon, look=look, words=self.words)


class ProtectSettings(ProtectionSettings):
    """Everything a `protect` run depends on; saved with it as run.toml."""

    photos: tuple[Path, ...] = Field(min_length=1, description="Folder, caption file, or photos of one folder.")
    only: tuple[str, ...] = Field(default=(), description="Pattern of the photos to take, such as '2024/*'.")
    skip: tuple[str, ...] = Field(default=(), description="Pattern of photos or folders to leave out.")
    captions: Annotated[Path | None, DefaultText("one that is found among the photos")] = Field(
        default=None,
        description="Caption file: JSONL, CSV, TSV, COCO, Karpathy or Flickr. none reads no captions, embedded the "
        "descriptions inside the photos.",
    )
    output: Annotated[Path | None, DefaultText("PHOTOS-protected")] = Field(
        default=None, description="Folder to publish; OUTPUT.private stays private."
    )
    names: NameStyle = Field(default="keep", description="Names in captions: keep, initials or lookalike.")
    name: Annotated[tuple[str, ...], DefaultText("all names")] = Field(
        default=(), description="Name that --names changes, such as 'Ada Cox'."
    )
    format: Format = Field(default="auto", description="File format: auto (the source's), png, webp or jpeg.")
    platform: Annotated[PlatformName | None, DefaultText("as the photos are")] = Field(
        default=None, description="Size for web, instagram, facebook, x or mastodon."
    )
    keep_metadata: Keep = Field(default="safe", description="Metadata to keep: none, safe (camera and time), or all.")
    keep_fields: tuple[str, ...] = Field(default=(), description="Field of the caption file to publish too.")
    opt_out: bool = Field(default=False, description="Write into every copy that AI training is prohibited.")

    @field_serializer("photos")
    def _one_or_several(self, photos: tuple[Path, ...]) -> str | list[str]:
        return str(photos[0]) if len(photos) == 1 else list(map(str, photos))


def digest(settings: ProtectSettings) -> str:
    """Return the hash of what the result depends on: of all settings but where files lie and the device."""
    dials = sorted(asdict(replace(settings.hyperparameters, words=None)).items())
    given = settings.model_dump_json(exclude=set(OUTSIDE_THE_DIGEST))
    return hashlib.sha256(f"{given}{dials}".encode()).hexdigest()
