"""Work in a forked process, which may crash, hang or be killed without harm to the drill."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"}  # audit events
WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True)
class Ended:
    """How a forked process ended."""

    value: Any  # what the work returned, or the error that it raised
    signal: int  # that killed the process; 0 where none did


class Child:
    """A forked process that does some work and hands its value, pickled, back through a folder."""

    def __init__(self, work: Callable[[], Any], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._answer = folder / f"answer-{time.monotonic_ns()}"
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            _work(work, self._answer)

    def kill(self) -> None:
        """Kill the process, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def ended(self, seconds: float = 120.0) -> Ended:
        """Wait for the process and return how it ended; it is killed after so many seconds."""
        deadline = time.monotonic() + seconds
        while (found := os.waitpid(self.pid, os.WNOHANG)) == (0, 0):
            if time.monotonic() > deadline:
                self.kill()
                os.waitpid(self.pid, 0)
                return Ended(TimeoutError(f"no end after {seconds:.0f} s"), signal.SIGKILL)
            time.sleep(0.005)
        if not self._answer.is_file():
            return Ended(None, os.WTERMSIG(found[1]) if os.WIFSIGNALED(found[1]) else 0)
        value = pickle.loads(self._answer.read_bytes())
        self._answer.unlink()
        return Ended(value, 0)


def _work(work: Callable[[], Any], answer: Path) -> None:
    code = 1
    try:
        try:
            value = work()
        except Exception as error:
            value = _plain(error)
        answer.write_bytes(pickle.dumps(value))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _plain(error: Exception) -> Exception:
    """Return an error that can be pickled, with the place that it comes from."""
    error.add_note("".join(traceback.format_exception(error)[-3:]))
    try:
        return pickle.loads(pickle.dumps(error)).with_traceback(None)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def kill_at(event: int, folder: Path) -> None:
    """Let the process kill itself before its n-th change below a folder: a file opened to write, renamed, removed ...

    Flushes of files to disk count too. For forked processes: an audit hook cannot be taken back.
    """
    left, below = event, str(folder)

    def count(path: object) -> None:
        nonlocal left
        if path is None or str(path).startswith(below):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        if name in CHANGES or (name == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
            count(arguments[0])

    sync = os.fsync

    def fsync(fd: Any) -> None:
        count(None)
        sync(fd)

    os.fsync = fsync
    sys.addaudithook(hook)
