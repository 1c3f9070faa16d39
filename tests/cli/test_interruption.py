"""An interruption ends a command between two steps of its own work, and no import of a library."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import unlearnable
from tests.cli.program import POSIX
from unlearnable.cli.interruption import interruptible

LIBRARY = """
import signal, time
try:
    signal.raise_signal({number})
    time.sleep(0.3)
except BaseException:
    swallowed = True
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_no_library_swallows_an_interruption(tmp_path, monkeypatch, name):
    number = getattr(signal, name)
    (tmp_path / f"library_{name}.py").write_text(LIBRARY.format(number=int(number)))
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.signal(number, signal.default_int_handler)  # ignored where the tests run unattended
    try:
        with interruptible():
            library = importlib.import_module(f"library_{name}")
            with pytest.raises(KeyboardInterrupt):
                time.sleep(10)
        assert not hasattr(library, "swallowed")
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


@POSIX
def test_an_interruption_comes_at_once_where_nothing_is_imported():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), interruptible():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@POSIX
@pytest.mark.parametrize("start", [["-m", "unlearnable"], ["-c", "from unlearnable.__main__ import main; main()"]])
def test_ctrl_c_while_the_program_is_imported_shows_no_traceback(tmp_path, start):
    pressed = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "typer.py").write_text(pressed)  # the first library that the program imports
    where = os.pathsep.join([str(tmp_path), str(Path(unlearnable.__file__).parents[1])])
    ended = subprocess.run(
        [sys.executable, "-P", *start, "--version"],
        env={**os.environ, "PYTHONPATH": where},
        capture_output=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored where the tests run unattended
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")


@POSIX
def test_ctrl_c_after_the_work_is_done_does_not_change_how_the_program_ends():
    pressed = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT)"  # as libraries end
    ended = subprocess.run(
        [sys.executable, "-c", f"{pressed}\nfrom unlearnable.__main__ import main; main()", "--version"],
        capture_output=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
