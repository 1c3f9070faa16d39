"""Decode a photo on trial, in a process that can be stopped when it takes too much time or memory.

The process is started once, with the first photo that needs it, and ends with this one. It answers in text: whether the
photo can be decoded. It is then decoded again here, as any other. A worker (`unlearnable.workers`) may be stopped
itself: it decodes such a photo once, within the same bounds.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from unlearnable.imaging import limits

Failure = tuple[str, str]  # reason and detail of a `DecodeError`
_START = 300.0  # seconds to import what decodes
STOPPED = ("too-large", "decoding it takes more time or memory than a photo may take")

inside = False  # whether this process is the one that tries
_lock = threading.Lock()
_known: dict[tuple[str, int, int], Failure | None] = {}
_process: subprocess.Popen[str] | None = None


def failure_of(path: Path) -> Failure | None:
    """Return why a photo cannot be decoded; None if it can. A file that did not change is tried once."""
    if inside:
        return None
    status = path.stat()
    key = str(path.absolute()), status.st_mtime_ns, status.st_size
    with _lock:
        if key not in _known:
            _known[key] = _ask(path.absolute())
        return _known[key]


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Bound the time and memory of a worker for the block: it ends when that takes too long."""
    with Path(os.devnull).open("w") as nowhere, limited_memory():
        faulthandler.dump_traceback_later(limits.SECONDS, exit=True, file=nowhere)  # whatever holds the interpreter
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Bound the memory of this process for the block, where the system can."""
    try:
        import resource
    except ImportError:
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = limits.MEMORY if most == resource.RLIM_INFINITY else min(limits.MEMORY, most)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, most))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (before, most))


def _ask(path: Path) -> Failure | None:
    global _process
    if _process is None or _process.poll() is not None:
        _process = _started()
    try:
        assert _process.stdin is not None
        _process.stdin.write(json.dumps(str(path)) + "\n")
        _process.stdin.flush()
        reason, detail = json.loads(_answer(_process, limits.SECONDS))
    except (OSError, ValueError):  # it was stopped, or the decoder ended it
        _end()
        return STOPPED
    return (reason, detail) if reason else None


def _started() -> subprocess.Popen[str]:
    """Start the process and wait until it is ready; it finds modules where this one does, not in the folder at hand."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "unlearnable.imaging.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    _answer(process, _START)
    return process


def _answer(process: subprocess.Popen[str], seconds: float) -> str:
    """Return the next line that a process writes; it is stopped, and the line empty, after so many seconds."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        return process.stdout.readline()
    finally:
        timer.cancel()


@atexit.register
def _end() -> None:
    global _process
    process, _process = _process, None
    if process is None:
        return
    process.kill()
    with contextlib.suppress(OSError):
        process.communicate()
