"""The studies of the paper: which data sets, which tables, and what the paper found."""

from unlearnable.registry import Registry

SUITES = Registry(
    "data set",
    {
        "flickr8k": "unlearnable.benchmarks.flickr8k:SUITE",
        "flickr30k": "unlearnable.benchmarks.flickr30k:SUITE",
        "coco": "unlearnable.benchmarks.coco:SUITE",
        "pubfig": "unlearnable.benchmarks.pubfig:SUITE",
    },
)
