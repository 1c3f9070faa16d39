"""What the commands report: the JSON they print is these models, and `schema_version` counts their changes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class SkippedRecord(_Record):
    """A photo or a caption row that was left out."""

    where: str
    reason: str
    detail: str


class ManifestLine(_Record):
    """One photo of the private manifest; paths are relative to PHOTOS and to the output folder."""

    source: str
    output: str | None = None
    sha256_in: str | None = None
    sha256_out: str | None = None
    width: int | None = None
    height: int | None = None
    linf: int | None = None
    psnr: float | None = None
    ssim: float | None = None
    trigger: str = ""
    captions: list[str] = []
    notes: list[str] = []
    status: Literal["protected", "skipped"] = "protected"
    reason: str | None = None
    detail: str | None = None


class SurrogateLoss(_Record):
    """Loss of one surrogate on the clean posts and on the decoded files with the re-read captions."""

    surrogate: str
    clean_pretrained: float
    protected_pretrained: float
    protected_trained: float


class ProtectReport(_Record):
    """The outcome of a `protect` run.

    `loss_first` is the pretrained surrogates' loss on the clean posts, `loss_last` the trained
    surrogates' on the written files and captions, both means over the surrogates.
    """

    schema_version: Literal[1] = 1
    output: str
    private: str
    captions_file: str | None
    caption_format: str
    method: str
    photos: int
    protected: int
    captions: int
    skipped: list[SkippedRecord]
    linf_max: int
    psnr_mean: float
    psnr_min: float
    ssim_mean: float
    loss_first: float
    loss_last: float
    loss_rounds: list[float]
    losses: list[SurrogateLoss]
    rounds: int
    stopped: Literal["threshold", "rounds", "interrupted"]
    surrogates: list[str]
    trigger_roundtrip: float
    run: str
    seed: int
    device: str
    seconds: float
    notes: list[str] = []


class ProtectPlan(_Record):
    """What `protect --dry-run` would do."""

    schema_version: Literal[1] = 1
    output: str
    caption_format: str
    photos: int
    captions: int
    skipped: list[SkippedRecord]
    surrogates: list[str]
    rounds_at_most: int
    seconds_estimated: float
    bytes_estimated: int


class Retrieval(_Record):
    """How well a gallery is ranked in one direction: Hit@k in per cent, Medr a rank from 1."""

    hit1: float
    hit5: float
    hit10: float
    medr: float


class EpochRecord(_Record):
    """One epoch of training: mean loss, and ranks of the held-out photos where there are some. Epoch 0 is the start."""

    epoch: int
    loss: float | None
    image_to_text: Retrieval | None = None
    text_to_image: Retrieval | None = None


class TrainReport(_Record):
    """The outcome of a `train` run; saved beside the checkpoint."""

    schema_version: Literal[1] = 1
    output: str
    sha256: str
    model: str
    from_scratch: bool
    data: list[str]
    photos: int
    pairs: int
    held_out_photos: int
    skipped: list[SkippedRecord]
    epochs: int
    lr: float
    batch_size: int
    weight_decay: float
    warmup: float
    precision: str
    seed: int
    processes: int
    device: str
    loss_curve: list[float | None]
    before: EpochRecord
    history: list[EpochRecord]
    seconds: float
