"""Settings of `protect`, and the platforms that photos are posted to."""

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_serializer, field_validator

from unlearnable.settings.base import DefaultText, DeviceSetting, SeedSetting, Settings
from unlearnable.settings.methods import PRESETS, Hyperparameters

PlatformName = Literal["web", "instagram", "facebook", "x", "mastodon"]


@dataclass(frozen=True)
class Platform:
    """What a place does to large photos.

    Attributes:
        quality: JPEG quality of the files to post there, from 1 to 100.
        width: largest width, in pixels; None for any.
        longest: largest side, in pixels; None for any.
        pixels: largest product of height and width; None for any.
    """

    quality: int
    width: int | None = None
    longest: int | None = None
    pixels: int | None = None

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) that a photo of this size is reduced to, in pixels; no photo is enlarged."""
        scale = min(
            1.0,
            (self.width or width) / width,
            (self.longest or max(height, width)) / max(height, width),
            math.sqrt((self.pixels or height * width) / (height * width)),
        )
        return (max(1, math.floor(height * scale + 1e-9)), max(1, math.floor(width * scale + 1e-9)))


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

    method: Annotated[str, Field(description="Method that makes noise and triggers.")] = "mem"
    surrogate: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="Model the noise is made on: small, RN50:openai, a checkpoint.",
        ),
    ] = ("small",)
    preset: Annotated[str, Field(description="Strength: fast is the paper's method, balanced or strong.")] = "balanced"
    epsilon: Annotated[
        int,
        Field(ge=1, le=64, description="Bound of the noise, in 1/255; 16 protects more, and is seen more."),
    ] = 8
    trigger_length: Annotated[int, Field(ge=1, le=16, description="Number of words in a trigger.")] = 3
    words: Annotated[
        Path | None,
        Field(
            description="File of your own words for triggers, a word or phrase a line, in place of the built-in ones."
        ),
    ] = None
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"

    @field_validator("preset")
    @classmethod
    def _known(cls, preset: str) -> str:
        if preset not in PRESETS:
            raise ValueError("needs to be 'fast', 'balanced' or 'strong'")
        return preset

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The settings of the method: those of the preset, with what was chosen."""
        return replace(PRESETS[self.preset], epsilon=self.epsilon, trigger_length=self.trigger_length, words=self.words)


class ProtectSettings(ProtectionSettings):
    """Everything a `protect` run depends on; saved with it as run.toml."""

    photos: Annotated[
        tuple[Path, ...],
        Field(min_length=1, description="Folder, caption file, or photos of one folder."),
    ]
    only: Annotated[
        tuple[str, ...],
        Field(description="Pattern of the photos to take, such as '2024/*'."),
    ] = ()
    skip: Annotated[tuple[str, ...], Field(description="Pattern of photos or folders to leave out.")] = ()
    captions: Annotated[
        Path | None,
        Field(
            description="Caption file: JSONL, CSV, TSV, COCO, Karpathy or Flickr. none reads no captions, embedded the "
            "descriptions inside the photos."
        ),
        DefaultText("one that is found among the photos"),
    ] = None
    output: Annotated[
        Path | None,
        Field(description="Folder to publish; OUTPUT.private stays private."),
        DefaultText("PHOTOS-protected"),
    ] = None
    names: Annotated[
        NameStyle,
        Field(description="Names in captions: keep, initials or lookalike."),
    ] = "keep"
    name: Annotated[
        tuple[str, ...], Field(description="Name that --names changes, such as 'Ada Cox'."), DefaultText("all names")
    ] = ()
    format: Annotated[
        Format,
        Field(description="File format: auto (the source's), png, webp or jpeg."),
    ] = "auto"
    platform: Annotated[
        PlatformName | None,
        Field(description="Size for web, instagram, facebook, x or mastodon."),
        DefaultText("as the photos are"),
    ] = None
    keep_metadata: Annotated[
        Keep,
        Field(description="Metadata to keep: none, safe (camera and time), or all."),
    ] = "safe"
    keep_fields: Annotated[
        tuple[str, ...],
        Field(description="Field of the caption file to publish too."),
    ] = ()
    opt_out: Annotated[
        bool,
        Field(description="Write into every copy that AI training is prohibited."),
    ] = False

    @field_serializer("photos")
    def _one_or_several(self, photos: tuple[Path, ...]) -> str | list[str]:
        return str(photos[0]) if len(photos) == 1 else list(map(str, photos))


def digest(settings: ProtectSettings) -> str:
    """Return the hash of what the result depends on: of all settings but where files lie and the device."""
    dials = sorted(asdict(replace(settings.hyperparameters, words=None)).items())
    given = settings.model_dump_json(exclude=set(OUTSIDE_THE_DIGEST))
    return hashlib.sha256(f"{given}{dials}".encode()).hexdigest()
