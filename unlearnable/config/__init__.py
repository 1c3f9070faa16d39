"""Settings of every command, and where they come from."""

from __future__ import annotations

from unlearnable.config._resolve import ENVIRONMENT, resolve_as, to_toml
from unlearnable.config.attacks import AS_PUBLISHED
from unlearnable.config.benchmark import BASELINES, BenchmarkSettings, ScaleName, trigger_settings
from unlearnable.config.explain import ExplainSettings
from unlearnable.config.protect import (
    PLACES,
    PRESETS,
    Device,
    Format,
    Keep,
    MethodSettings,
    Position,
    Preset,
    ProtectSettings,
    Scope,
    Vocabulary,
    digest,
)
from unlearnable.config.train import Precision, Recipe, Schedule, TrainSettings
from unlearnable.config.verify import VerifySettings

__all__ = [
    "AS_PUBLISHED",
    "BASELINES",
    "ENVIRONMENT",
    "PLACES",
    "PRESETS",
    "BenchmarkSettings",
    "Device",
    "ExplainSettings",
    "Format",
    "Keep",
    "MethodSettings",
    "Position",
    "Precision",
    "Preset",
    "ProtectSettings",
    "Recipe",
    "ScaleName",
    "Schedule",
    "Scope",
    "TrainSettings",
    "VerifySettings",
    "Vocabulary",
    "digest",
    "resolve_as",
    "to_toml",
    "trigger_settings",
]
