"""What errors say of options, said of keywords: `--test-captions` is `test_captions` in a public call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from unlearnable.errors import UnlearnableError

_SWITCHES = ("add", "overwrite", "resume", "strict")  # `use add` would be no call
_OPTION = re.compile(r"unlearnable \w+(?: --[\w-]+ \S+)+|(?<![^\s(])--([a-z]+(?:-[a-z]+)*)")  # a command line stays


@contextmanager
def in_keywords() -> Iterator[None]:
    """Let errors that come through name keywords in place of options; each public call is decorated with it."""
    try:
        yield
    except UnlearnableError as error:
        error.message = _said(error.message)
        error.hint = error.hint and _said(error.hint)
        error.args = (error.message,)
        raise


def _said(text: str) -> str:
    from unlearnable import options  # brings pydantic

    groups = (value for name, value in vars(options).items() if name.endswith("Options"))
    known = {keyword for group in groups for keyword in group.__annotations__}.union(_SWITCHES)

    def keyword(found: re.Match[str]) -> str:
        name = (found[1] or "").replace("-", "_")
        return (f"{name}=True" if name in _SWITCHES else name) if name in known else found[0]

    return _OPTION.sub(keyword, text)
