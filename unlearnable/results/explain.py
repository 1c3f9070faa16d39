"""What `explain` and `preview` report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearnable.results.common import DeviceName, Record, RunSeconds, SchemaVersion


class WordRecord(Record):
    """One word of the caption and its attribution."""

    word: str = Field(description="the word as the tokenizer cleans it")
    attribution: float = Field(description="what the word adds to the cosine of photo and caption")


class Explanation(Record):
    """What one model looks at in one post: integrated gradients over the words, Grad-CAM over the photo."""

    model: str = Field(description="short title of the model")
    similarity: float = Field(description="cosine of photo and caption")
    similarity_blank: float = Field(description="cosine of the photo and the caption with all its words blank")
    words: list[WordRecord] = Field(
        description="words of the caption in order; their attributions sum to similarity - similarity_blank"
    )
    trigger_share: float | None = Field(
        description="share of the absolute attributions on the words of the trigger, 0 to 1; null without a trigger"
    )
    trigger_words_share: float | None = Field(
        description="share of the caption's words that belong to the trigger, 0 to 1; null without a trigger"
    )
    salient_tenth: float | None = Field(
        description="share of the Grad-CAM heat in the hottest tenth of the photo, 0 to 1; null where there is no heat"
    )
    completeness_error: float = Field(
        description="distance of the sum of the attributions from similarity - similarity_blank, as a share of it"
    )
    steps: int = Field(description="points on the path of the integrated gradients")


class MapPoint(Record):
    """A photo or a caption on the map."""

    post: str = Field(description="id of the post in its data set")
    kind: Literal["photo", "caption"] = Field(description="what the point stands for")
    x: float = Field(description="first t-SNE coordinate, without a unit")
    y: float = Field(description="second t-SNE coordinate, without a unit")


class EmbeddingMap(Record):
    """Posts as one model embeds them: mean cosines, and the points of their t-SNE."""

    model: str = Field(description="short title of the model")
    data: str = Field(description="name of the data set that the posts are from")
    cosine_copies: float | None = Field(description="mean cosine of two crops of one photo; null without such pairs")
    cosine_captions: float | None = Field(
        description="mean cosine of two captions of one post; null without such pairs"
    )
    cosine_own: float | None = Field(description="mean cosine of a photo and a caption of its own; null without pairs")
    cosine_others: float | None = Field(
        description="mean cosine of a photo and a caption of another post; null without pairs"
    )
    points: list[MapPoint] = Field(description="photos and captions on the map")


class ExplainReport(Record):
    """The outcome of an `explain` run."""

    schema_version: SchemaVersion = 1
    output: str = Field(description="folder of the figures and of this report")
    photo: str | None = Field(description="photo that was explained; null where only a map was drawn")
    caption: str | None = Field(description="caption it was explained with; null where only a map was drawn")
    trigger: str | None = Field(description="trigger marked in the caption; null where none is known")
    explanations: list[Explanation] = Field(description="what each model looks at, in the order of the models")
    maps: list[EmbeddingMap] = Field(description="map of each model; empty where none was asked for")
    files: list[str] = Field(description="names of the figures in `output`")
    notes: list[str] = Field(default_factory=list, description="remarks on how far the figures can be relied on")
    seed: int = Field(description="seed of the posts on the map, of their crops and of the t-SNE")
    device: DeviceName
    seconds: RunSeconds


class PreviewReport(Record):
    """The outcome of `preview`."""

    schema_version: SchemaVersion = 1
    output: str = Field(description="path of the PNG that was written")
    photo: str = Field(description="path of the original")
    protected: str = Field(description="path of its protected copy")
    width: int = Field(description="width of both, in pixels")
    height: int = Field(description="height of both, in pixels")
    linf: int = Field(description="largest change of a pixel value, in 1/255")
    psnr: float | None = Field(description="peak signal-to-noise ratio of the copy, in dB; null where both are equal")
    ssim: float = Field(description="structural similarity of the luma, at most 1")
