"""Reports on models: `train` and `explain`."""

from typing import Literal

from pydantic import Field

from unlearnable.report.common import EpochRecord, Record, RunReport, SkippedRecord


class TrainReport(RunReport):
    """The outcome of a `train` run; saved beside the checkpoint."""

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
    smallest_crop: float | None = Field(default=None, description="Smallest share of a photo in a crop, 0 to 1.")
    test_fraction: float | None = Field(default=None, description="Share of the photos held out without a split.")
    one_caption: bool = Field(description="Whether an epoch shows a photo once, with one of its captions.")
    precision: str = Field(description="Precision asked for: auto, fp32 or bf16.")
    seed: int = Field(description="Seed of the weights, the order, the crops and the split.")
    processes: int = Field(description="Processes that trained together.")
    loss_curve: list[float | None] = Field(description="Mean training loss of each epoch, in nats.")
    before: EpochRecord = Field(description="The model before training, as epoch 0.")
    history: list[EpochRecord] = Field(description="Every epoch in order.")


class WordRecord(Record):
    """One word of the caption and its attribution."""

    word: str = Field(description="The word as the tokenizer cleans it.")
    attribution: float = Field(description="What the word adds to the cosine of photo and caption.")


class Explanation(Record):
    """What one model looks at in one post: integrated gradients over the words, Grad-CAM over the photo."""

    model: str = Field(description="Short title of the model.")
    similarity: float = Field(description="Cosine of photo and caption.")
    similarity_blank: float = Field(description="Cosine of the photo and the caption with all its words blank.")
    words: list[WordRecord] = Field(description="Words in order; their sum is similarity - similarity_blank.")
    trigger_share: float | None = Field(description="Share of the attribution on the trigger's words, 0 to 1.")
    trigger_words_share: float | None = Field(description="Share of the words that are the trigger's, 0 to 1.")


class MapPoint(Record):
    """A photo or a caption on the map."""

    post: str = Field(description="Id of the post in its data set.")
    kind: Literal["photo", "caption"] = Field(description="What the point stands for.")
    x: float = Field(description="First t-SNE coordinate, without a unit.")
    y: float = Field(description="Second t-SNE coordinate, without a unit.")


class EmbeddingMap(Record):
    """Posts as one model embeds them: mean cosines, and the points of their t-SNE."""

    model: str = Field(description="Short title of the model.")
    data: str = Field(description="Name of the data set that the posts are from.")
    cosine_copies: float | None = Field(description="Mean cosine of two crops of one photo; null without such pairs.")
    cosine_captions: float | None = Field(description="Mean cosine of two captions of one post; null without pairs.")
    cosine_own: float | None = Field(description="Mean cosine of a photo and a caption of its own; null without pairs.")
    cosine_others: float | None = Field(description="Mean cosine of a photo and another post's caption; null without.")
    points: list[MapPoint] = Field(description="Photos and captions on the map.")


class ExplainReport(RunReport):
    """The outcome of an `explain` run."""

    photo: str | None = Field(description="Photo that was explained; null where only a map was drawn.")
    caption: str | None = Field(description="Caption it was explained with; null where only a map was drawn.")
    trigger: str | None = Field(description="Trigger marked in the caption; null where none is known.")
    explanations: list[Explanation] = Field(description="What each model looks at, in the order of the models.")
    maps: list[EmbeddingMap] = Field(description="Map of each model; empty where none was asked for.")
    files: list[str] = Field(description="Names of the figures in `output`.")
    seed: int = Field(description="Seed of the posts on the map, of their crops and of the t-SNE.")
