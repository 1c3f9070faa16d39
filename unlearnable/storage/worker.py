"""What runs in a worker: it answers one call after the other, and ends as soon as its input does.

Calls and answers are pickled, between processes of one program alone.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any

from unlearnable.errors import UnlearnableError

Call = tuple[Callable[..., Any], tuple[Any, ...]]

inside = False  # whether this process is a worker


def main() -> None:
    """Answer calls from the input until it ends: with True and a value, or with False and an error."""
    global inside
    inside = True
    for name in ("SIGINT", "SIGHUP"):  # what a terminal sends to all: whoever started this process ends it
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        function, arguments = calls.get()
        answers.write(_answer(function, arguments))
        answers.flush()


def _receive(source: IO[bytes], calls: queue.SimpleQueue[Call]) -> None:
    """Take in calls beside the work on them: at the end of the input the process ends, whatever it is at."""
    try:
        while True:
            calls.put(pickle.load(source))
    finally:
        os._exit(1)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((True, function(*arguments)))
    except Exception as error:
        if not isinstance(error, UnlearnableError):
            error.add_note(traceback.format_exc())
        return pickle.dumps((False, error))
