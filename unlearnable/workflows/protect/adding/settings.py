"""The settings of an `--add`: those of the earlier run; of what is given, only what cannot contradict them is taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearnable.config import OUTSIDE_THE_DIGEST, ProtectSettings, given_settings, resolve_as
from unlearnable.datasets import is_word
from unlearnable.errors import ConfigError
from unlearnable.workflows.protect.adding.earlier import records_of, settings_of
from unlearnable.workflows.protect.opening.chosen import places_of, root_of
from unlearnable.workflows.protect.opening.stored import captions_from, whole

WHICH_POSTS = frozenset({"captions", "only", "skip", "photo_column", "caption_column"})
FREE = OUTSIDE_THE_DIGEST | WHICH_POSTS | {"name"}
"""Settings that may differ from those of the earlier run: which posts are taken, where, on what device, more names."""


def continued(
    flags: Mapping[str, Any], file: Path | None = None, *, names: Mapping[str, str] | None = None
) -> ProtectSettings:
    """Return the settings of an `--add`; arguments are those of `config.resolve_as`.

    What says which posts are taken is that of the earlier run where its folder is given again. Names that
    `--names` changes join those of before.

    Raises:
        ConfigError: a setting contradicts the earlier run, does not exist or does not fit.
        OutputError: there is no earlier result.
        CheckpointError: its settings are damaged.
    """
    asked = resolve_as(ProtectSettings, flags, file, names=names)
    _, sources = given_settings(ProtectSettings, flags, file, names=names)
    _, layout = places_of(asked)
    before = settings_of(records_of(layout))
    whole_asked, whole_before = whole(asked), whole(before)
    for name, source in sources.items():
        now, was = getattr(whole_asked, name), getattr(whole_before, name)
        if name not in FREE and now != was:
            raise ConfigError(
                f"{source or name}: the earlier result was made with {_said(was)}, not {_said(now)}",
                hint="leave it out, or protect all anew with --overwrite",
            )
    own = {"photos", "output"} | (sources.keys() & FREE)
    root = root_of(layout, before)
    before = before.model_copy(update={"captions": captions_from(root, before)})
    if layout.photos != root or _is_gone(before.captions):
        own |= WHICH_POSTS
    taken = {name: getattr(asked, name) for name in own & ProtectSettings.model_fields.keys()}
    both = tuple(dict.fromkeys([*before.name, *asked.name]))
    return before.model_copy(update={**taken, "name": both})


def _is_gone(captions: Path | None) -> bool:
    """Return whether the caption file of the earlier run is not there any more."""
    return captions is not None and not captions.exists() and not is_word(captions)


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
