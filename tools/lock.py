"""Write requirements.lock: what the tests of this environment ran with, for every system and Python, with hashes.

    pip install uv && python tools/lock.py

Versions are those that are installed here, without local parts such as `+cpu`, whose files PyPI does not have.
What this environment lacks, as libraries for other systems, is of the newest version that fits.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = (
    *("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-annotate"),
    *("--python-version", "3.11", "--extra", "test", "--custom-compile-command", "python tools/lock.py"),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        installed = {one.name: one.version.partition("+")[0] for one in distributions() if one.name != "unlearnable"}
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(installed.items())))
        made = Path(folder) / "requirements.lock"  # not the one that is there, which uv would go by
        output = ("--constraints", str(constraints), "--output-file", str(made))
        subprocess.run([*COMMAND, *output, "pyproject.toml"], cwd=ROOT, check=True)
        (ROOT / made.name).write_bytes(made.read_bytes())


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
