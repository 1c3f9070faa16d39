"""The program, as a shell sees it: in a process of its own, or sooner in this one."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from unlearnable.cli.app import main

POSIX = pytest.mark.skipif(os.name != "posix", reason="sends signals that only POSIX has")

PAUSING = """
import sys, threading
from unlearnable.storage import checkpoint
from unlearnable.storage import progress as lines
from unlearnable.cli.app import main
marker, said, say = sys.argv.pop(1), [], lines.Lines._say
def say_and_pause(self, text):
    if said:
        threading.Event().wait()  # for ever: the next line is not printed
    say(self, text)
    if text.startswith(marker):
        said.append(text)
lines.LINE_SECONDS = checkpoint.SOON = 0
lines.Lines._say = say_and_pause
main()
"""
"""Runs the program, whose first argument is the beginning of the last line of progress that it prints."""


WORK = {
    "protect": "unlearnable.protect.run.protect_together",
    "train": "unlearnable.training.train.train",
    "verify": "unlearnable.verify.run.verify",
    "benchmark": "unlearnable.benchmark.run.benchmark",
    "explain": "unlearnable.explain.run.explain",
}


class Ended(NamedTuple):
    """How a call ended, with the names of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def call(*arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ended:
    """Run the program in this process, which has imported torch already.

    Args:
        arguments: of the command line.
        cwd: the working directory.
        env: variables beside those of this process.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["unlearnable", *map(str, arguments)])
        patch.setattr(sys, "excepthook", sys.excepthook)  # Typer replaces it
        if cwd is not None:
            patch.chdir(cwd)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    code = ended.value.code
    return Ended(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def settings_of(name: str, *arguments: object, **options: Any) -> Any:
    """Return the settings that a command line gives to the work of a command, which is not done."""
    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        module, work = WORK[name].rsplit(".", 1)
        patch.setattr(import_module(module), work, lambda settings, **_: found.append(settings))
        ended = call(name, *arguments, **options)
    assert ended.returncode == 0, ended.stderr
    return found[0]
