"""An interruption ends a command between two steps of its own work, and no import of a library."""

from __future__ import annotations

import importlib
import signal
import time

import pytest

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
