"""Generate docs/reference/settings.md: every setting of every command, with its option, variable and TOML name."""

from __future__ import annotations

from typing import Any

import typer
from pydantic import BaseModel

from reference_pages import schema
from reference_pages.commands import commands, flag_of, help_of
from reference_pages.markdown import code, document, escape, prose, table
from unlearnable import config

INTRODUCTION = f"""
A setting comes from the first of these that names it: an option, the environment, a TOML file (`--config`), the preset,
the default. Where an option or a variable names a preset, what the file has from a preset of its own does not
count. The variable is `{config.ENVIRONMENT}` and the name in capitals. Where several values are meant, they are
separated by commas, in a variable as in an option, which may be repeated too; a path that contains a comma stays whole
if it exists. In TOML a setting has its bare name and stands at the top level; one value may stand for a list of one.
`--print-config` prints every setting of a run as TOML. [Environment](environment.md) lists the variables that are no
settings.
"""
HEADS = ["Setting, option, variable", "Type", "Default", "Meaning"]


def page(app: typer.Typer) -> str:
    """Return the text of the page, with one section per command."""
    sections = []
    for name, command in commands(app).items():
        if (model := _model(name)) is not None:
            sections += [f"## {name}", prose(model.__doc__), table(HEADS, rows(model, command))]
            sections += _presets(model)
    return document("Settings", INTRODUCTION, sections)


def rows(model: type[BaseModel], command: Any) -> list[list[str]]:
    """Return a row of `HEADS` for each setting; a field without a description has its option's help text."""
    table_rows = []
    whole = model.model_json_schema()
    without_variable = getattr(model, "without_variable", ())
    for name, field in whole["properties"].items():
        text, shown = help_of(command, name)
        default = schema.default(field) or ("required" if name in whole.get("required", []) else shown)
        variable = "" if name in without_variable else code(config.variable(name))
        kind = schema.words(schema.without_null(_resolved(field, whole)))
        meaning = escape(schema.description(field) or text)
        names = "<br>".join(filter(None, [code(name), code(flag_of(command, name)), variable]))
        table_rows.append([names, kind, default, meaning])
    return table_rows


def _model(command: str) -> type[BaseModel] | None:
    """Return the settings model of a command, which is named `CommandSettings`."""
    wanted = command.replace(" ", "").replace("-", "") + "settings"
    for name in config.__all__:
        if name.lower() == wanted:
            model: type[BaseModel] = getattr(config, name)
            return model
    return None


def _presets(model: type[BaseModel]) -> list[str]:
    """Return a table of what each preset changes, if the command has presets."""
    if "preset" not in model.model_fields:
        return []
    changed = list(dict.fromkeys(name for preset in config.PRESETS.values() for name in preset))
    defaults = {name: model.model_fields[name].default for name in changed}
    lines = [
        [code(name), *(code(preset.get(setting, defaults[setting])) for setting in changed)]
        for name, preset in config.PRESETS.items()
    ]
    return ["### Presets", table(["Preset", *map(code, changed)], lines)]


def _resolved(field: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Return a field with its reference, if it has one, replaced by the definition."""
    definition = whole["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else {}
    return {**definition, **{key: value for key, value in field.items() if key != "$ref"}}
