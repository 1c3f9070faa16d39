"""Settings of every command, and where they come from."""

from __future__ import annotations

from unlearnable.config._resolve import (
    ENVIRONMENT,
    absolute,
    given_settings,
    read_file,
    resolve_as,
    to_toml,
    variable,
)
from unlearnable.config.attacks import AS_PUBLISHED, AS_USUAL, changing
from unlearnable.config.base import (
    Device,
    Precision,
    Settings,
    default_text,
    takes_numbers,
    takes_paths,
    takes_several,
    takes_whole_numbers,
)
from unlearnable.config.benchmark import BASELINES, BenchmarkSettings, ScaleName, named_settings
from unlearnable.config.explain import ExplainSettings
from unlearnable.config.lists import split
from unlearnable.config.methods import (
    MOVED,
    Enlargement,
    MEMSettings,
    MethodSettings,
    Position,
    Scope,
    TriggerSettings,
    Visibility,
)
from unlearnable.config.platforms import PLATFORMS, Platform, PlatformName
from unlearnable.config.protect import (
    OUTSIDE_THE_DIGEST,
    PRESETS,
    Format,
    Keep,
    NameStyle,
    Preset,
    ProtectionSettings,
    ProtectSettings,
    digest,
)
from unlearnable.config.suites import NEVER_TESTED, SUITES, SuiteName
from unlearnable.config.train import (
    SCRATCH_EPOCHS,
    SCRATCH_RATE,
    SMALL_RATE,
    SMALL_VIT_RATE,
    TUNING_EPOCHS,
    TUNING_RATE,
    WARMUP,
    Recipe,
    Schedule,
    TrainSettings,
)
from unlearnable.config.unknown import unknown_variables
from unlearnable.config.verify import VerifySettings

__all__ = [
    "AS_PUBLISHED",
    "AS_USUAL",
    "BASELINES",
    "ENVIRONMENT",
    "MOVED",
    "NEVER_TESTED",
    "OUTSIDE_THE_DIGEST",
    "PLATFORMS",
    "PRESETS",
    "SCRATCH_EPOCHS",
    "SCRATCH_RATE",
    "SMALL_RATE",
    "SMALL_VIT_RATE",
    "SUITES",
    "TUNING_EPOCHS",
    "TUNING_RATE",
    "WARMUP",
    "BenchmarkSettings",
    "Device",
    "Enlargement",
    "ExplainSettings",
    "Format",
    "Keep",
    "MEMSettings",
    "MethodSettings",
    "NameStyle",
    "Platform",
    "PlatformName",
    "Position",
    "Precision",
    "Preset",
    "ProtectSettings",
    "ProtectionSettings",
    "Recipe",
    "ScaleName",
    "Schedule",
    "Scope",
    "Settings",
    "SuiteName",
    "TrainSettings",
    "TriggerSettings",
    "VerifySettings",
    "Visibility",
    "absolute",
    "changing",
    "default_text",
    "digest",
    "given_settings",
    "named_settings",
    "read_file",
    "resolve_as",
    "split",
    "takes_numbers",
    "takes_paths",
    "takes_several",
    "takes_whole_numbers",
    "to_toml",
    "unknown_variables",
    "variable",
]
