"""The formats, one file each, in the order in which they are asked whether a source is theirs."""

from __future__ import annotations

from unlearnable.registry import Registry

FORMATS = Registry(
    "format",
    {
        "imagefolder": "unlearnable.datasets.formats.imagefolder:IMAGEFOLDER",
        "sidecar": "unlearnable.datasets.formats.sidecar:SIDECAR",
        "folder": "unlearnable.datasets.formats.folder:FOLDER",
        "karpathy": "unlearnable.datasets.formats.karpathy:KARPATHY",
        "coco": "unlearnable.datasets.formats.coco:COCO",
        "flickr": "unlearnable.datasets.formats.flickr:FLICKR",
        "people": "unlearnable.datasets.formats.people:PEOPLE",
        "jsonl": "unlearnable.datasets.formats.jsonl:JSONL",
        "table": "unlearnable.datasets.formats.table:TABLE",
    },
)
