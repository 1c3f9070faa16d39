"""Settings of every command, and where they come from."""

from unlearnable.settings.base import Device, Precision, Settings, default_text, takes
from unlearnable.settings.benchmark import BASELINES, BenchmarkSettings, ScaleName, mem_name
from unlearnable.settings.protect import *
from unlearnable.settings.resolve import DEBUG, absolute, given_settings, resolve_as, split, to_toml, unknown_variables
from unlearnable.settings.verify import *

__all__ = [
    "AS_PUBLISHED", "AS_USUAL", "BALANCED", "BASELINES", "DEBUG", "MOVED", "NEVER_TESTED", "OUTSIDE_THE_DIGEST",
    "PLATFORMS", "PRESETS", "SCRATCH_EPOCHS", "SCRATCH_RATE", "SMALL_RATE", "SMALL_VIT_RATE", "SUITES",
    "TUNING_EPOCHS", "TUNING_RATE", "WARMUP", "BenchmarkSettings", "Device", "ExplainSettings", "Hyperparameters",
    "Keep", "LookKind", "NameStyle", "Platform", "PlatformName", "Precision", "ProtectSettings",
    "ProtectionSettings", "ScaleName", "Settings", "TrainSettings", "VerifySettings", "absolute", "changing",
    "default_text", "digest", "given_settings", "mem_name", "resolve_as", "split", "takes", "to_toml",
    "unknown_variables",
]  # fmt: skip
