"""Decode a photo on trial, in a worker that ends when it takes too much time or memory.

The worker is started once, with the first photo that needs it, and ends with this process. It answers whether the photo
can be decoded; it is then decoded again here, as any other. What is a worker itself decodes such a photo once, within
the same bounds.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

from unlearnable.imaging import limits
from unlearnable.storage.pool import Worker, WorkerEnded

Failure = tuple[str, str]  # reason and detail of a `DecodeError`
STOPPED = ("too-large", "decoding it takes more time or memory than a photo may take")

_FAILURE = "unlearnable.imaging.decode:failure"  # by its name: it stands on this module
_lock = threading.Lock()
_known: dict[tuple[str, int, int], Failure | None] = {}
_worker: Worker | None = None


def failure_of(path: Path) -> Failure | None:
    """Return why a photo cannot be decoded; None if it can. A file that did not change is tried once."""
    status = path.stat()
    key = str(path.absolute()), status.st_mtime_ns, status.st_size
    with _lock:
        if key not in _known:
            _known[key] = _ask(path.absolute())
        return _known[key]


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Bound the time and memory of a worker for the block: it ends when that takes too long."""
    with Path(os.devnull).open("w") as nowhere, _limited_memory():
        faulthandler.dump_traceback_later(limits.SECONDS, exit=True, file=nowhere)  # whatever holds the interpreter
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
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
    global _worker
    if _worker is None or not _worker.runs:
        _end()
        _worker = Worker()
    try:
        failure: Failure | None = _worker.call(resolve_name(_FAILURE), path)
        return failure
    except WorkerEnded:
        _end()
        return STOPPED
    except BaseException:  # no later photo may get the answer to this one
        _end()
        raise


@atexit.register
def _end() -> None:
    global _worker
    worker, _worker = _worker, None
    if worker is not None:
        worker.stop()
        worker.close()
