"""`python -c` in a fork of the tests' process, which has imported torch, so that it need not do so again."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import pytest_socket


class Forked(subprocess.Popen[str]):
    """A `subprocess.Popen` of `[sys.executable, ..., "-c", CODE, ...]` that forks; another command, or where nothing
    can be forked, starts a new process. What a fork says is not kept until a line is whole, as with `-u`.
    """

    def _execute_child(  # of Popen, private, the same from Python 3.11 to 3.14
        self,
        args: Sequence[str],
        executable: Any,
        preexec_fn: Callable[[], object] | None,
        close_fds: bool,
        pass_fds: Any,
        cwd: str | None,
        env: Mapping[str, str] | None,
        *more: Any,
    ) -> None:
        if not hasattr(os, "fork") or "-c" not in args:
            super()._execute_child(args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more)  # type: ignore[misc]
            return
        pipes = more[3:9]  # of stdin, stdout and stderr, the end to read and the end to write of each
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # xdist's thread holds no lock that is needed here
            self.pid = os.fork()
        if not self.pid:
            _run([*args[args.index("-c") + 1 :]], {1: pipes[3], 2: pipes[5]}, preexec_fn, cwd, env)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _run(
    words: list[str],
    streams: Mapping[int, int],
    preexec: Callable[[], object] | None,
    cwd: str | None,
    env: Mapping[str, str] | None,
) -> NoReturn:
    """Do what a new process does: run the code, the first of the words, and exit."""
    code = 1
    try:
        for number, stream in streams.items():
            if stream != -1:
                os.dup2(stream, number)
        os.closerange(3, 1024)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(number, "w", closefd=False), write_through=True) for number in streams
        )
        if env is not None:
            os.environ.clear()
            os.environ.update(env)
        os.chdir(cwd or ".")
        (preexec or int)()
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.resetwarnings()
        pytest_socket.enable_socket()
        sys.argv = ["-c", *words[1:]]
        exec(compile(words[0], "<string>", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # what a new process would end with
        traceback.print_exc()
    finally:
        os._exit(code)
