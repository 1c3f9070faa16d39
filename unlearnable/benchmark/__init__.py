"""The paper's benchmarks: data sets, scales, tables, and the figures that the paper reports."""

from typing import TYPE_CHECKING

from unlearnable.registry import Registry, Row

if TYPE_CHECKING:
    from unlearnable.benchmark.suites import Suite


SUITES: "Registry[Suite]" = Registry(
    "data set",
    {
        "flickr8k": Row(
            "unlearnable.benchmark.suites:FLICKR8K",
            "Flickr8k: 6,000 photos to train on, 1,000 to rank, five captions each (Tables 1 to 4).",
        ),
        "flickr30k": Row(
            "unlearnable.benchmark.suites:FLICKR30K",
            "Flickr30k: 29,000 photos to train on, 1,000 to rank, five captions each (Tables 1, 2 and 4).",
        ),
        "coco": Row(
            "unlearnable.benchmark.suites:COCO",
            "MS-COCO: 82,783 photos to train on, 5,000 to rank, five captions each (Tables 1, 2 and 4).",
        ),
        "pubfig": Row(
            "unlearnable.benchmark.suites:PUBFIG",
            "PubFig: faces with invented names, one photo of each person to rank (Table 5).",
        ),
    },
    base="unlearnable.benchmark.suites:Suite",
)
