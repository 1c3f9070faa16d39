"""What errors and notes say of options, said of keywords: `--test-captions` is `test_captions` in a public call."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from unlearnable.errors import UnlearnableError
from unlearnable.progress.reporting import Progress

Given = ParamSpec("Given")
Result = TypeVar("Result")
_SWITCHES = ("add", "overwrite", "resume", "strict")  # `use add` would be no call
_OPTION = re.compile(r"unlearnable \w+(?: --[\w-]+ \S+)+|(?<![^\s(])--([a-z]+(?:-[a-z]+)*)")  # a command line stays


def in_keywords(call: Callable[Given, Result]) -> Callable[Given, Result]:
    """Make errors and the notes of the report of a public call name keywords in place of options."""

    @wraps(call)
    def said(*arguments: Given.args, **keywords: Given.kwargs) -> Result:
        try:
            result: Result = _retold(call(*arguments, **keywords))
        except UnlearnableError as error:
            error.message = _said(error.message)
            error.hint = error.hint and _said(error.hint)
            error.args = (error.message,)
            raise
        return result

    return said


class InKeywords:
    """A `Progress` that hands all to another one, `shown`, with notes in keywords."""

    def __init__(self, shown: Progress) -> None:
        self.shown = shown

    def phase(self, name: str, total: int) -> None:
        """Begin a phase."""
        self.shown.phase(name, total)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count steps."""
        self.shown.advance(steps, **metrics)

    def note(self, text: str) -> None:
        """Show a remark, told anew."""
        self.shown.note(_said(text))


def _retold(value: Any) -> Any:
    """Return a report, or a part of one, with all notes in it told anew; the file that was written stays as it is."""
    if isinstance(value, list):
        return list(map(_retold, value))
    if not hasattr(value, "model_copy"):
        return value
    return value.model_copy(
        update={name: list(map(_said, part)) if name == "notes" else _retold(part) for name, part in value}
    )


def _said(text: str) -> str:
    from unlearnable import options  # brings pydantic

    groups = (value for name, value in vars(options).items() if name.endswith("Options"))
    known = {keyword for group in groups for keyword in group.__annotations__}.union(_SWITCHES)

    def keyword(found: re.Match[str]) -> str:
        name = (found[1] or "").replace("-", "_")
        return (f"{name}=True" if name in _SWITCHES else name) if name in known else found[0]

    return _OPTION.sub(keyword, text)
