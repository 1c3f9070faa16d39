"""Worker processes: what runs in one, and a pool whose answers come in the order of the jobs.

Unlike those of `concurrent.futures`, workers do not run the script of whoever calls, end with this process however it
ends, and can be stopped one at a time: a photo may take too much time or memory.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import IO, Any, Generic, TypeVar

from unlearnable.errors import UnlearnableError

Job = TypeVar("Job")
Answer = TypeVar("Answer")

_MAIN = "from unlearnable.storage.pool import main; main()"
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),  # a worker for each core
    "MALLOC_MMAP_THRESHOLD_": "12000000",  # glibc: the memory of a finished picture is returned at once
}
_AHEAD = 4  # answers, for each worker, that may wait for an earlier one

inside = False  # whether this process is a worker


def main() -> None:
    """Answer pickled calls from stdin, as a worker: with True and a value, or with False and an error."""
    global inside
    inside = True
    for name in ("SIGINT", "SIGHUP"):  # a terminal sends these to all: whoever started this process ends it
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that nothing that a library prints is taken for an answer
    calls: queue.SimpleQueue[tuple[Callable[[Any], Any], Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, calls), daemon=True).start()
    with suppress(KeyboardInterrupt, BrokenPipeError):
        while True:
            function, job = calls.get()
            try:
                answer = pickle.dumps((True, function(job)))
            except Exception as error:
                if not isinstance(error, UnlearnableError):
                    error.add_note(traceback.format_exc())
                answer = pickle.dumps((False, error))
            answers.write(answer)
            answers.flush()


def _receive(source: IO[bytes], calls: queue.SimpleQueue[Any]) -> None:
    """Take in calls beside the work on them: the process ends with its input, whatever it is doing."""
    try:
        while True:
            calls.put(pickle.load(source))
    finally:
        os._exit(1)


class WorkerEnded(Exception):
    """A worker ended before it answered: it was stopped, or the function that it called ended it."""


class Worker:
    """A process that calls functions for this one; it finds modules where this one does, not in the current folder."""

    def __init__(self) -> None:
        places = [place for place in sys.path if place and isinstance(place, str)]  # notebooks put a Path there
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _MAIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places), **_ENVIRONMENT},
        )

    @property
    def runs(self) -> bool:
        """Whether it can be called."""
        return self._process.poll() is None

    def call(self, function: Callable[[Job], Answer], job: Job) -> Answer:
        """Return what a function of a module returns there, or raise what it raises.

        Raises:
            WorkerEnded: the process ended before.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(pickle.dumps((function, job)))
            self._process.stdin.flush()
            succeeded, answer = pickle.load(self._process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self.stop()
            self._process.wait()
            raise WorkerEnded from error
        if not succeeded:
            raise answer
        return answer  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Stop the process, whatever it is doing; any thread may."""
        self._process.kill()

    def close(self) -> None:
        """Wait for the end of a process that was stopped."""
        self._process.wait()
        for pipe in filter(None, (self._process.stdin, self._process.stdout)):
            with suppress(OSError):  # it may hold what was not sent yet
                pipe.close()


class Pool(Generic[Job, Answer]):
    """Workers that are started as they are needed, and stopped at the end of the block.

    Args:
        function: what they call; its module can be imported.
        size: how large a job is.
        room: how large all jobs in progress may be together; a larger one is alone.
        workers: how many work at a time; with 0 this process does the jobs one by one.
    """

    def __init__(
        self, function: Callable[[Job], Answer], size: Callable[[Job], float], room: float, workers: int
    ) -> None:
        self._function, self._size, self._room, self._workers = function, size, room, workers
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._all: list[Worker] = []
        self._over = False
        self._threads = ThreadPoolExecutor(max(workers, 1))  # which starts no thread before the first job

    def __enter__(self) -> "Pool[Job, Answer]":
        return self

    def __exit__(self, *error: object) -> None:
        self._over = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.stop()
        self._threads.shutdown()
        for worker in self._all:
            worker.close()

    def answers(self, jobs: Iterable[Job]) -> Iterator[Future[Answer]]:
        """Yield the answer to each job, in order; its `result` raises what the job raised, or `WorkerEnded`."""
        waiting: deque[tuple[Future[Answer], float]] = deque()
        for job in jobs:
            size = self._size(job)
            while not self._has_room(waiting, size):
                if waiting[0][0].done():
                    yield waiting.popleft()[0]
                else:
                    wait([future for future, _ in waiting if not future.done()], return_when=FIRST_COMPLETED)
            waiting.append((self._threads.submit(self._ask, job) if self._workers else self._done_here(job), size))
        while waiting:
            wait([waiting[0][0]])
            yield waiting.popleft()[0]

    def _has_room(self, waiting: deque[tuple[Future[Answer], float]], size: float) -> bool:
        if len(waiting) >= max(_AHEAD * self._workers, 1):
            return False
        busy = [other for future, other in waiting if not future.done()]
        return not busy or (len(busy) < self._workers and sum(busy) + size <= self._room)

    def _done_here(self, job: Job) -> Future[Answer]:
        future: Future[Answer] = Future()
        try:
            future.set_result(self._function(job))
        except Exception as error:
            future.set_exception(error)
        return future

    def _ask(self, job: Job) -> Answer:
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = Worker()
            self._all.append(worker)
        if self._over:  # since this thread looked
            worker.stop()
        try:
            return worker.call(self._function, job)
        finally:
            if worker.runs:
                self._idle.put(worker)


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process() -> tuple[int, int]:
    """Return the number of this process, from 0, and of all, as `accelerate launch` and `torchrun` set them."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    return int(os.environ.get("RANK", "0")) if size > 1 else 0, size


def is_first() -> bool:
    """Return whether this process is alone, or the first of those that a launcher started."""
    return process()[0] == 0
