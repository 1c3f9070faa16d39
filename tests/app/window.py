"""The window as its user starts it: `unlearnable app` in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.presets import environment, preset


class Window(NamedTuple):
    """A running window: its address, the folder that it works in, and where its temporary files go."""

    address: str
    folder: Path
    temporary: Path
    process: subprocess.Popen[str]

    @property
    def port(self):
        return urlsplit(self.address).port

    @property
    def token(self):
        return urlsplit(self.address).path.strip("/")

    def end(self, how=signal.SIGINT):
        """Stop it as the user would; return what it still said."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=60)


@contextmanager
def opened(folder, tiny_path):
    """Start a window on the tiny encoder."""
    temporary, work = folder / "tmp", folder / "work"
    temporary.mkdir()
    work.mkdir()
    variables = {name: value for name, value in environment().items() if name != "PYTEST_CURRENT_TEST"}
    variables |= {"UNLEARNABLE_PRESET": preset(), "UNLEARNABLE_SURROGATE": str(tiny_path), "TMPDIR": str(temporary)}
    command = [sys.executable, "-W", "error", "-m", "tests.presets", "app", "--no-browser"]
    process = subprocess.Popen(
        command, cwd=work, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    line = process.stdout.readline()
    assert line.startswith("open http://127.0.0.1:"), line + process.stderr.read()
    try:
        yield Window(line.split()[1], work, temporary, process)
    finally:
        process.kill()
        process.communicate()
