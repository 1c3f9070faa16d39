"""The log file of a run: what is said on stderr, in plain lines with time and level, appended to a file."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging.handlers import MemoryHandler
from pathlib import Path

from unlearnable.disk import files
from unlearnable.errors import ConfigError, UnlearnableError
from unlearnable.progress.lines import Lines
from unlearnable.progress.reporting import Progress, expect, within
from unlearnable.wording.escapes import printable

LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [A-Z]+ ")
_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
_EARLY = 1000  # lines that are kept until it is known whether there is a log file
_SAID = logging.getLogger("unlearnable.said")
_SAID.setLevel(logging.INFO)
_SAID.propagate = False


class _LogFile(logging.FileHandler):
    """A file that lines are appended to; where that fails, it is said once."""

    def handleError(self, record: logging.LogRecord) -> None:
        _SAID.removeHandler(self)
        warnings.warn(f"cannot write {self.baseFilename}: {sys.exc_info()[1]}", stacklevel=1)


def record(text: str, level: int = logging.INFO) -> None:
    """Write a line to the log file, if there is one; what cannot be printed is escaped."""
    _SAID.log(level, "%s", printable(text))


@contextmanager
def keeping() -> Iterator[None]:
    """Keep what is recorded until `open_log` names a file, and close that in the end."""
    before = list(_SAID.handlers)
    _SAID.addHandler(MemoryHandler(_EARLY, flushLevel=logging.CRITICAL + 1, flushOnClose=False))
    try:
        yield
    finally:
        for handler in [one for one in _SAID.handlers if one not in before]:
            _SAID.removeHandler(handler)
            handler.close()


def open_log(path: Path) -> None:
    """Append to a log file from now on, also what `keeping` has kept.

    Raises:
        ConfigError: the file holds something else than a log.
        OutputError: it cannot be written.
    """
    with files.reporting_write_errors(path):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as opened:
                if LINE.match(opened.read(64)) is None:
                    raise ConfigError(f"{path} is no log of this program", hint="choose another --log-file")
        handler = _LogFile(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_FORMAT)
    for kept in [one for one in _SAID.handlers if isinstance(one, MemoryHandler)]:
        kept.setTarget(handler)
        kept.flush()
        _SAID.removeHandler(kept)
    _SAID.addHandler(handler)


class Both:
    """A `Progress` that is shown as another one, and recorded.

    Args:
        shown: receives all that is reported.
    """

    def __init__(self, shown: Progress) -> None:
        self._shown, self._lines = shown, Lines(record)

    def phase(self, name: str, total: int) -> None:
        """Begin a phase."""
        self._shown.phase(name, total)
        self._lines.phase(name, total)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count steps."""
        self._shown.advance(steps, **metrics)
        self._lines.advance(steps, **metrics)

    def note(self, text: str) -> None:
        """Show a remark."""
        self._shown.note(text)
        self._lines.note(text)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take what the phases of the run will take."""
        expect(self._shown, seconds)
        self._lines.expect(seconds)

    def within(self, share: float) -> None:
        """Show how much of a step is done."""
        within(self._shown, share)
        self._lines.within(share)


@contextmanager
def logged(path: Path | None, progress: Progress) -> Iterator[Progress]:
    """Yield a progress that is recorded in a log file, as the error is that ends the block; the same without a file.

    Raises:
        ConfigError: the file holds something else than a log.
        OutputError: it cannot be written.
    """
    if path is None:
        yield progress
        return
    with keeping():
        open_log(path)
        try:
            yield Both(progress)
        except UnlearnableError as error:
            record_error(error.message, error.hint)
            raise


def record_error(message: str, hint: str | None) -> None:
    """Record an error, and its remedy."""
    record(f"error: {message}", logging.ERROR)
    if hint:
        record(f"hint: {hint}", logging.ERROR)
