"""Make photos and captions unlearnable for CLIP-like models.

from unlearnable import protect, verify
protect("photos", captions="posts.jsonl")
print(verify("photos", "photos-protected", captions="posts.jsonl").verdict)
"""

from typing import TYPE_CHECKING

import unlearnable.explain
import unlearnable.protect
import unlearnable.verify  # noqa: F401  (packages first: the calls of the same names replace them here)
from unlearnable.api import ImageProtector, benchmark, explain, preview, protect, protect_images, train, verify
from unlearnable.errors import *
from unlearnable.storage.progress import Progress, Silent

if TYPE_CHECKING:
    from unlearnable.report import *
    from unlearnable.settings import *

    __version__: str

__all__ = [
    "BenchmarkPlan",
    "BenchmarkReport",
    "BenchmarkSettings",
    "CheckpointError",
    "ConfigError",
    "ExplainReport",
    "ExplainSettings",
    "ImageProtector",
    "InputError",
    "Interrupted",
    "ModelError",
    "OutputError",
    "PreviewReport",
    "Progress",
    "ProtectPlan",
    "ProtectReport",
    "ProtectSettings",
    "ProtectionSettings",
    "Silent",
    "TrainReport",
    "TrainSettings",
    "UnlearnableError",
    "VerifyReport",
    "VerifySettings",
    "__version__",
    "benchmark",
    "explain",
    "preview",
    "protect",
    "protect_images",
    "train",
    "verify",
]

if not TYPE_CHECKING:  # or else a type checker would take any name for one of this package
    _MODULES = {"Settings": "settings", "Report": "report", "Plan": "report"}

    def __getattr__(name):
        """Import reports and settings when they are first looked up: importing the package stays quick."""
        from importlib import import_module, metadata

        if name == "__version__":
            return metadata.version("unlearnable")
        for ending, module in _MODULES.items():
            if name in __all__ and name.endswith(ending):
                return getattr(import_module(f"unlearnable.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
