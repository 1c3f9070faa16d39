"""Ctrl-C and the signals that stand for it, which end a command between two steps of its own work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.1  # seconds until an interruption that cannot come now is tried again


@contextmanager
def interruptible() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for Ctrl-C, so that nothing is left behind; one that nohup ignores stays ignored.

    None of them comes while something is imported: large libraries swallow it there, fail in ways of their own, or
    take the process down.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _is_importing(frame):
            raise KeyboardInterrupt
        later.append(threading.Timer(AGAIN, _send, [number]))
        later[-1].start()

    taken, later = {}, list[threading.Timer]()
    if threading.current_thread() is threading.main_thread():
        for one in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(one) in (signal.SIG_DFL, signal.default_int_handler):
                taken[one] = signal.signal(one, interrupt)
    try:
        yield
    finally:
        for timer in later:
            timer.cancel()
        for one, before in taken.items():
            signal.signal(one, before)


def _send(number: int) -> None:
    """Send a signal to the main thread, which wakes it from waiting; Windows knows no thread by its signals."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
