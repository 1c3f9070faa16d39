"""The studies of the paper: which data sets, which tables, and what the paper found."""

from unlearnable.registry import Registry

SUITES = Registry(
    "data set",
    {
        "flickr8k": "unlearnable.benchmarks.suites.flickr8k:SUITE",
        "flickr30k": "unlearnable.benchmarks.suites.flickr30k:SUITE",
        "coco": "unlearnable.benchmarks.suites.coco:SUITE",
        "pubfig": "unlearnable.benchmarks.suites.pubfig:SUITE",
    },
)
