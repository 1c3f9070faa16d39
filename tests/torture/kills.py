"""Killed runs: what was published before stays whole, and the run goes on to the same bytes."""

from __future__ import annotations

import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path

from tests.conftest import tree
from tests.torture.child import Child, Ended, kill_at
from tests.torture.runs import Scenario, lay_out, scenarios
from tests.torture.tally import Tally

EVENTS = 250  # changes on disk of the longest run, about


def drill(trials: int, seed: int, folder: Path, name: str = "protect") -> Tally:
    """Kill runs of a scenario, half of them at a change on disk and half at any moment, and go on with them."""
    lay_out(folder / "home")
    scenario = next(one for one in scenarios(folder / "home") if one.name == name)
    originals, began = tree(folder / "home"), time.monotonic()
    whole = Child(partial(_product, scenario, folder / "whole"), folder / "answers").ended()
    seconds, tally = time.monotonic() - began, Tally(f"kills of {name}")
    if not isinstance(whole.value, dict):
        tally.faults.append(f"the run that is not killed: {whole.value!r}")
        return tally
    for number in range(trials):
        dice = random.Random(f"kill {name} {seed} {number}")
        place = folder / f"trial{number}"
        outcome = _killed(scenario, place, dice, seconds, folder / "answers")
        for _ in range(dice.choice((0, 0, 1))):  # sometimes it is killed again
            outcome = _killed_going_on(scenario, place, dice, seconds, folder / "answers")
        last = Child(partial(_gone_on, scenario, place), folder / "answers").ended()
        fault = _fault(last, whole.value, tree(folder / "home") == originals)
        if fault:
            tally.faults.append(f"trial {number} of seed {seed}, {outcome}: {fault}")
        else:
            tally.outcomes[outcome] += 1
        shutil.rmtree(place, ignore_errors=True)
    return tally


def _killed(scenario: Scenario, place: Path, dice: random.Random, seconds: float, answers: Path) -> str:
    at, moment = (dice.randint(1, EVENTS), 0.0) if dice.random() < 0.5 else (0, dice.uniform(0, seconds))

    def work() -> None:
        if at:
            kill_at(at, place)
        scenario.start(place)

    scenario.lay(place)
    return _end_of(Child(work, answers), moment)


def _killed_going_on(scenario: Scenario, place: Path, dice: random.Random, seconds: float, answers: Path) -> str:
    at = dice.randint(1, EVENTS)

    def work() -> None:
        place.mkdir(parents=True, exist_ok=True)
        kill_at(at, place)
        scenario.go_on(place)

    return _end_of(Child(work, answers), 0.0)


def _end_of(child: Child, moment: float) -> str:
    if moment:
        time.sleep(moment)
        child.kill()
    return "killed" if child.ended().signal == signal.SIGKILL else "ended before the kill"


def _product(scenario: Scenario, place: Path) -> dict[str, bytes]:
    scenario.lay(place)
    scenario.start(place)
    return scenario.product(place)


def _gone_on(scenario: Scenario, place: Path) -> dict[str, bytes]:
    place.mkdir(parents=True, exist_ok=True)
    scenario.go_on(place)
    return scenario.product(place)


def _fault(last: Ended, whole: dict[str, bytes], untouched: bool) -> str:
    """Return what is wrong with how a killed run ended; an empty text where nothing is."""
    if not untouched:
        return "the originals changed"
    if not isinstance(last.value, dict):
        notes = getattr(last.value, "__notes__", [""])
        return f"it does not go on: signal {last.signal}, {last.value!r} {notes[-1]}"
    if last.value == whole:
        return ""
    differing = [name for name in whole if name in last.value and whole[name] != last.value[name]]
    return (
        f"left over {sorted(last.value.keys() - whole)}, missing {sorted(whole.keys() - last.value)}, other {differing}"
    )
