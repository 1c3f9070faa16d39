"""Report of `train`."""

from __future__ import annotations

from pydantic import Field

from unlearnable.report.common import (
    DeviceName,
    EpochRecord,
    LossCurve,
    MadeBy,
    Record,
    RunSeconds,
    SchemaVersion,
    SkippedRecord,
)


class TrainReport(Record):
    """The outcome of a `train` run; saved beside the checkpoint."""

    schema_version: SchemaVersion = 1
    output: str = Field(description="Path of the checkpoint.")
    sha256: str = Field(description="SHA-256 of the checkpoint.")
    model: str = Field(description="Architecture that was trained from scratch, or model that was fine-tuned.")
    from_scratch: bool = Field(description="Whether training began at random weights.")
    data: list[str] = Field(description="Names of the data sets.")
    photos: int = Field(description="Photos trained on.")
    pairs: int = Field(description="Pairs of a photo and a caption trained on.")
    held_out_photos: int = Field(description="Photos held out and ranked after each epoch.")
    skipped: list[SkippedRecord] = Field(description="Photos and caption records that were left out.")
    epochs: int = Field(description="Passes over all pairs, or over all photos with one_caption.")
    lr: float = Field(description="Highest learning rate.")
    batch_size: int = Field(description="Pairs in a contrastive batch, over all processes.")
    weight_decay: float = Field(description="Weight decay of the matrices.")
    warmup: float = Field(description="Share of all steps in which the learning rate rises, 0 to 1.")
    smallest_crop: float | None = Field(
        default=None, description="Smallest share of a photo in a training crop, 0 to 1; null in earlier reports."
    )
    test_fraction: float | None = Field(
        default=None, description="Share of the photos held out where no split was named; null in earlier reports."
    )
    one_caption: bool = Field(description="Whether an epoch shows a photo once, with one of its captions.")
    precision: str = Field(description="Precision asked for: auto, fp32 or bf16.")
    seed: int = Field(description="Seed of the weights, the order, the crops and the split.")
    processes: int = Field(description="Processes that trained together.")
    device: DeviceName
    made_by: MadeBy = None
    loss_curve: LossCurve
    before: EpochRecord = Field(description="The model before training, as epoch 0.")
    history: list[EpochRecord] = Field(description="Every epoch in order.")
    seconds: RunSeconds
