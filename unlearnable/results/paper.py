"""Figures of the paper beside our cells, and tables in its layout."""

from __future__ import annotations

from pydantic import Field

from unlearnable.results.common import Record


class PaperFigures(Record):
    """One direction of a row in the paper."""

    hit10: float | None = Field(description="Hit@10, in per cent; null where the table gives Medr alone.")
    medr: float = Field(description="Medr, a rank from 1.")


class PaperRow(Record):
    """A row of the paper that a cell is compared with."""

    table: int = Field(description="Number of the table in the paper.")
    image_to_text: PaperFigures = Field(description="Image→text figures.")
    text_to_image: PaperFigures = Field(description="Text→image figures.")


class TableRecord(Record):
    """A table in the paper's layout, as text; the first cell of a row names it, the others are figures."""

    title: str = Field(description="Number and subject of the table.")
    heads: list[str] = Field(description="Heads of the columns.")
    rows: list[list[str]] = Field(description="Cells of each row, ours / the paper's.")
    notes: list[str] = Field(description="What the figures mean and where the set-up differs, a sentence each.")
