"""Full disks: one line that says so, and the same run goes on once there is room."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.torture.child import Child
from tests.torture.runs import lay_out, scenarios
from tests.torture.tally import Tally
from unlearnable import OutputError

ROOMY = 256 << 20


def can_mount() -> bool:
    """Return whether file systems can be made here."""
    return sys.platform == "linux" and not os.geteuid() and shutil.which("mount") is not None


def drill(trials: int, seed: int, folder: Path) -> Tally:
    """Let `protect` write on file systems of any size below what it needs, then enlarge them."""
    lay_out(folder / "home")
    scenario, tally, disk = scenarios(folder / "home")[0], Tally("full disks"), folder / "disk"
    disk.mkdir()

    def run(*, resume: bool) -> dict[str, bytes]:
        scenario.go_on(disk) if resume else scenario.start(disk)
        return scenario.product(disk)

    def mount(size: int, *further: str) -> None:
        options = ",".join((f"size={size}", *further))
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)

    mount(ROOMY)
    whole = Child(partial(run, resume=False), folder / "answers").ended().value
    needed = ROOMY - shutil.disk_usage(disk).free
    subprocess.run(["umount", "-l", str(disk)], check=True)
    for number in range(trials):
        size = int(random.Random(f"disk {seed} {number}").uniform(0.05, 1.5) * needed)
        mount(size)
        try:
            first = Child(partial(run, resume=False), folder / "answers").ended()
            mount(ROOMY, "remount")
            last = Child(partial(run, resume=True), folder / "answers").ended()
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
        if last.value != whole:
            tally.faults.append(f"trial {number} of seed {seed}, {size} bytes: does not go on: {last.value!r:.300}")
        elif first.value == whole:
            tally.outcomes["large enough"] += 1
        elif isinstance(first.value, OutputError):
            tally.outcomes["said"] += 1
        else:
            tally.faults.append(f"trial {number} of seed {seed}, {size} bytes: {first.value!r}, signal {first.signal}")
    return tally
