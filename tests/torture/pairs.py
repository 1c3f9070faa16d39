"""Two runs at once on one output: one makes the result, the other says that it is busy."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

from tests.torture.child import Child
from tests.torture.runs import lay_out, scenarios
from tests.torture.tally import Tally
from unlearnable import OutputError


def drill(trials: int, seed: int, folder: Path) -> Tally:
    """Start `protect` twice on the same folders, up to a second apart."""
    lay_out(folder / "home")
    scenario, tally = scenarios(folder / "home")[0], Tally("pairs of runs")

    def run(place: Path) -> str:
        place.mkdir(exist_ok=True)
        scenario.start(place)
        return "done"

    Child(partial(run, folder / "whole"), folder / "answers").ended()
    whole = scenario.product(folder / "whole")
    for number in range(trials):
        place = folder / f"trial{number}"
        place.mkdir()
        first = Child(partial(run, place), folder / "answers")
        time.sleep(random.Random(f"pair {seed} {number}").random())
        second = Child(partial(run, place), folder / "answers")
        values = [child.ended().value for child in (first, second)]
        refused = [value for value in values if isinstance(value, OutputError)]
        same = scenario.product(place) == whole  # once both have ended: each holds a lock while it looks
        if len(refused) == 1 and "done" in values and same:
            tally.outcomes["one result, one refusal"] += 1
        else:
            tally.faults.append(f"trial {number} of seed {seed}: {values}, {'the same' if same else 'another'} result")
    return tally
