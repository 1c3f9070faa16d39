"""What `explain` and `preview` report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearnable.results.common import Record


class WordRecord(Record):
    """One word of the caption, and what it adds to the cosine of photo and caption."""

    word: str
    attribution: float


class Explanation(Record):
    """What one model looks at in one post.

    `similarity` is the cosine of photo and caption, `similarity_blank` that with the words blank; the attributions
    sum to their difference up to `completeness_error`, a share of it. `trigger_share` is the share of the
    attributions, in absolute values, on the words of the trigger, `trigger_words_share` their share of the words.
    `salient_tenth` is the share of the Grad-CAM heat in its hottest tenth of the photo, None where there is no heat.
    """

    model: str
    similarity: float
    similarity_blank: float
    words: list[WordRecord]
    trigger_share: float | None
    trigger_words_share: float | None
    salient_tenth: float | None
    completeness_error: float
    steps: int


class MapPoint(Record):
    """A photo or a caption on the map; `post` is its id in the data."""

    post: str
    kind: Literal["photo", "caption"]
    x: float
    y: float


class EmbeddingMap(Record):
    """The posts under one model: mean cosines (see `analysis.embedding_map.Cosines`) and the points of the t-SNE."""

    model: str
    data: str
    cosine_copies: float | None
    cosine_captions: float | None
    cosine_own: float | None
    cosine_others: float | None
    points: list[MapPoint]


class ExplainReport(Record):
    """The outcome of an `explain` run; `files` are the figures, in `output`."""

    schema_version: Literal[1] = 1
    output: str
    photo: str | None
    caption: str | None
    trigger: str | None
    explanations: list[Explanation]
    maps: list[EmbeddingMap]
    files: list[str]
    notes: list[str] = Field(default_factory=list)
    seed: int
    device: str
    seconds: float


class PreviewReport(Record):
    """The outcome of `preview`: the picture it wrote, and how far the copy is from the photo (PSNR None: equal)."""

    schema_version: Literal[1] = 1
    output: str
    photo: str
    protected: str
    width: int
    height: int
    linf: int
    psnr: float | None
    ssim: float
