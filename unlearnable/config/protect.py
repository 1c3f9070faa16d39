"""Settings of `protect`. Each default is written once, on its field; a preset says only what it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from unlearnable.config.base import DefaultText, DeviceSetting, SeedSetting, Settings

Preset = Literal["fast", "balanced", "strong"]
Scope = Literal["post", "user"]
Position = Literal["start", "end", "random"]
Vocabulary = Literal["words", "natural"]
Format = Literal["auto", "png", "webp", "jpeg"]
Keep = Literal["none", "safe", "all"]
Enlargement = Literal["bilinear", "nearest"]

PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"max_rounds": 4, "surrogate_steps": 4, "trigger_rounds": 1},
    "balanced": {},
    "strong": {"adversarial_weight": 1.0},
}
OUTSIDE_THE_DIGEST = frozenset({"photos", "captions", "output", "avoid_words", "device", "strict"})


class MethodSettings(Settings):
    """How noise and triggers are optimised. Pixel values are counted in 1/255."""

    epsilon: Annotated[int, Field(ge=1, le=64, description="Upper bound of the noise (L-inf), in 1/255.")] = 8
    step_size: Annotated[int, Field(ge=1, le=16, description="Length of a signed step of the noise, in 1/255.")] = 1
    noise_steps: Annotated[int, Field(ge=1, description="Noise steps for each photo in a round (N in the paper).")] = 8
    surrogate_steps: Annotated[
        int, Field(ge=0, description="Training steps of the surrogates in a round (M in the paper).")
    ] = 8
    max_rounds: Annotated[int, Field(ge=1, description="Number of rounds after which the run stops at the latest.")] = 8
    threshold: Annotated[float, Field(gt=0, le=100, description="Loss below which the run stops early.")] = 0.01
    learning_rate: Annotated[
        float, Field(gt=0, le=1, description="Learning rate that the surrogates are trained with (AdamW).")
    ] = 1e-4
    weight_decay: Annotated[
        float, Field(ge=0, le=10, description="Weight decay of the surrogates' weight matrices (AdamW).")
    ] = 0.2
    batch_size: Annotated[int, Field(ge=2, description="Number of photos in a contrastive batch.")] = 64
    trigger_length: Annotated[int, Field(ge=1, le=20, description="Number of words in a trigger.")] = 3
    trigger_scope: Annotated[
        Scope, Field(description="Owner of a trigger: each post has one of its own (post), or all share one (user).")
    ] = "post"
    trigger_position: Annotated[Position, Field(description="Place of the trigger in a caption.")] = "start"
    trigger_vocabulary: Annotated[
        Vocabulary,
        Field(description="Words that triggers consist of: ordinary ones, or those a language model finds natural."),
    ] = "words"
    language_model: Annotated[
        str, Field(description="Masked language model that proposes natural triggers: a name or a folder.")
    ] = "small-mlm"
    fluency: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="Weight of natural wording against protection: the loss that one nat of a natural trigger's "
            "log-likelihood is worth (lambda).",
        ),
    ] = 0.02
    proposals: Annotated[
        int, Field(ge=1, description="Number of words that the language model proposes for each place in a trigger.")
    ] = 1024
    fluent_beam: Annotated[
        int, Field(ge=1, le=16, description="Number of triggers kept at each step of the search for natural ones.")
    ] = 4
    avoid_words: Annotated[Path | None, Field(description="File of words that no trigger may contain.")] = None
    trigger_rounds: Annotated[int, Field(ge=0, description="Number of rounds that improve the triggers.")] = 2
    candidates: Annotated[
        int, Field(ge=1, le=256, description="Number of words tried at each place in a trigger (top k).")
    ] = 16
    beam_width: Annotated[
        int, Field(ge=1, le=16, description="Number of triggers kept at each step of the search.")
    ] = 1
    adversarial_weight: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="Weight of the noise's second aim: to show other content to the adversary, a copy of the "
            "surrogate that has learnt the clean posts.",
        ),
    ] = 0.0
    adversary_steps: Annotated[int, Field(ge=1, description="Training steps of the adversary on the clean posts.")] = (
        128
    )
    smallest_crop: Annotated[
        float, Field(gt=0, le=1, description="Smallest share of a photo's area in the crops that the noise is made on.")
    ] = 0.9
    enlarge: Annotated[
        Enlargement, Field(description="Interpolation that enlarges the noise grid to the size of the photo.")
    ] = "bilinear"


class ProtectSettings(MethodSettings):
    """Everything a `protect` run depends on; saved with it as run.toml."""

    photos: Annotated[Path, Field(description="Folder of photos, or a caption file that names them.")]
    captions: Annotated[
        Path | None,
        Field(description="Caption file: JSONL, CSV, TSV, COCO, Karpathy or Flickr."),
        DefaultText("one that is found among the photos"),
    ] = None
    output: Annotated[
        Path | None,
        Field(description="Folder to publish; what must stay private goes to OUTPUT.private."),
        DefaultText("PHOTOS-protected"),
    ] = None
    method: Annotated[str, Field(description="Method that makes noise and triggers.")] = "mem"
    surrogate: Annotated[
        tuple[str, ...],
        Field(
            description="Model to protect against: small (bundled), an open_clip name with its weights such as "
            "RN50:openai, or a checkpoint. Several make an ensemble."
        ),
    ] = ("small",)
    preset: Annotated[
        Preset,
        Field(
            description="Amount of work: fast takes fewer rounds and steps, strong adds noise that misleads a model "
            "which has learnt the clean posts."
        ),
    ] = "balanced"
    format: Annotated[
        Format,
        Field(description="File format of the copies; auto is lossless: WebP for WebP photos, PNG for all others."),
    ] = "auto"
    quality: Annotated[int, Field(ge=1, le=100, description="Quality of JPEG files, from 1 to 100.")] = 95
    keep_metadata: Annotated[
        Keep,
        Field(
            description="Metadata that the copies keep: none, safe (camera, time and author, but no place), or all of "
            "EXIF and XMP, with the place."
        ),
    ] = "safe"
    strict: Annotated[bool, Field(description="Fail if any photo cannot be protected.")] = False
    seed: SeedSetting = 0
    device: DeviceSetting = "auto"
    options: Annotated[
        dict[str, bool | int | float | str],
        Field(description="Settings of its own that a method from an installed package takes, by name."),
        DefaultText("none"),
    ] = {}  # noqa: RUF012  (pydantic copies defaults)


def digest(settings: ProtectSettings) -> str:
    """Return the hash of what the result depends on: of all settings but where files lie, the device and `strict`."""
    return hashlib.sha256(settings.model_dump_json(exclude=set(OUTSIDE_THE_DIGEST)).encode()).hexdigest()
