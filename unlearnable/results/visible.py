"""Types of fields on what a person sees of the noise; results of old versions lack them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

LineFlip = Annotated[
    float | None,
    Field(description="Mean FLIP error of the copy at viewing size, 0 to 1; null if skipped or of an old version."),
]
LineDeltaE = Annotated[
    float | None,
    Field(description="Mean CIEDE2000 difference of the copy at viewing size; null if skipped or of an old version."),
]
FlipMean = Annotated[
    float | None,
    Field(description="Mean FLIP error over the copies, 0 to 1: how visible the noise is; null in old results."),
]
FlipMax = Annotated[
    float | None, Field(description="FLIP error of the copy whose noise is most visible, 0 to 1; null in old results.")
]
DeltaEMean = Annotated[
    float | None,
    Field(description="Mean CIEDE2000 difference over the copies at viewing size; null in old results."),
]
