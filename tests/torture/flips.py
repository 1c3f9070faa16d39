"""A flipped bit in what a run goes on from: it is named, or the result is the same to the byte."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path

from tests.conftest import tree
from tests.torture.child import Child, kill_at
from tests.torture.runs import lay_out, scenarios
from tests.torture.tally import Tally
from unlearnable import CheckpointError, OutputError

STATES = 12  # killed runs, whose files are flipped in turn


def drill(trials: int, seed: int, folder: Path) -> Tally:
    """Flip a bit of a file that a killed `protect` left, and go on."""
    lay_out(folder / "home")
    scenario, tally = scenarios(folder / "home")[0], Tally("flipped bits")

    def run(place: Path, at: int, *, resume: bool = False) -> dict[str, bytes]:
        place.mkdir(exist_ok=True)
        if at:
            kill_at(at, place)
        scenario.resume(place) if resume else scenario.start(place)
        return scenario.product(place)

    whole = Child(partial(run, folder / "whole", 0), folder / "answers").ended().value
    states = []
    for number in range(min(STATES, trials)):
        place = folder / f"state{number}"
        at = random.Random(f"state {seed} {number}").randint(25, 160)
        Child(partial(run, place, at), folder / "answers").ended()
        states.append(place)
    for number in range(trials):
        dice = random.Random(f"flip {seed} {number}")
        place = folder / "trial"
        shutil.copytree(states[number % len(states)], place)
        names = sorted(tree(place))
        under_way = [name for name in names if "/checkpoint/" in name]
        name = dice.choice(under_way or [name for name in names if name.startswith("out/")])
        data = bytearray((place / name).read_bytes())
        at = dice.randrange(8 * len(data)) if data else 0
        if data:
            data[at // 8] ^= 1 << at % 8
            (place / name).write_bytes(data)
        ended = Child(partial(run, place, 0, resume=True), folder / "answers").ended()
        if isinstance(ended.value, CheckpointError | OutputError):
            tally.outcomes["named" if str(place) in ended.value.message else "said"] += 1
        elif ended.value == whole:
            tally.outcomes["no difference"] += 1
        else:
            found = ended.value if not isinstance(ended.value, dict) else "another result"
            tally.faults.append(f"trial {number} of seed {seed}: bit {at} of {name}: {found!r}")
        shutil.rmtree(place)
    return tally
