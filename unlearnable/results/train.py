"""What `train` reports."""

from __future__ import annotations

from pydantic import Field

from unlearnable.results.common import (
    DeviceName,
    EpochRecord,
    LossCurve,
    Record,
    RunSeconds,
    SchemaVersion,
    SkippedRecord,
)


class TrainReport(Record):
    """The outcome of a `train` run; saved beside the checkpoint."""

    schema_version: SchemaVersion = 1
    output: str = Field(description="path of the checkpoint")
    sha256: str = Field(description="sha256 of the checkpoint")
    model: str = Field(description="architecture that was trained from scratch, or model that was fine-tuned")
    from_scratch: bool = Field(description="whether training began at random weights")
    data: list[str] = Field(description="names of the data sets")
    photos: int = Field(description="photos trained on")
    pairs: int = Field(description="pairs of a photo and a caption trained on")
    held_out_photos: int = Field(description="photos held out and ranked after each epoch")
    skipped: list[SkippedRecord] = Field(description="photos and caption records that were left out")
    epochs: int = Field(description="passes over all pairs, or over all photos with one_caption")
    lr: float = Field(description="highest learning rate")
    batch_size: int = Field(description="pairs in a contrastive batch, over all processes")
    weight_decay: float = Field(description="weight decay of the matrices")
    warmup: float = Field(description="share of all steps in which the learning rate rises, 0 to 1")
    one_caption: bool = Field(description="whether an epoch shows a photo once, with one of its captions")
    precision: str = Field(description="precision asked for: auto, fp32 or bf16")
    seed: int = Field(description="seed of the weights, the order, the crops and the split")
    processes: int = Field(description="processes that trained together")
    device: DeviceName
    loss_curve: LossCurve
    before: EpochRecord = Field(description="the model before training, as epoch 0")
    history: list[EpochRecord] = Field(description="every epoch in order")
    seconds: RunSeconds
