"""The process that decodes photos on trial: paths come in and answers go out, each as a line of JSON."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from unlearnable.imaging import trial
from unlearnable.imaging.decode import DecodeError, decode


def main() -> None:
    """Answer with reason and detail of each photo's fault, both empty if it has none, until the input ends."""
    trial.inside = True
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints is no answer
    with trial.limited_memory():
        print(json.dumps(["", ""]), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(_tried(Path(json.loads(line)))), file=answers, flush=True)


def _tried(path: Path) -> tuple[str, str]:
    try:
        decode(path)
    except DecodeError as error:
        return error.reason, error.detail
    except MemoryError:
        return "too-large", "it takes more memory than a photo may take"
    return "", ""


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main()
