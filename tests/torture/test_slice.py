"""A slice of every drill, with a fixed seed; `tools/torture.py` runs them whole."""

from __future__ import annotations

import pytest

from tests.torture.drills import DRILLS


@pytest.mark.torture
@pytest.mark.parametrize("name", [name for name, drill in DRILLS.items() if drill.slice])
def test_nothing_breaks(name, tmp_path):
    tally = DRILLS[name].run(DRILLS[name].slice, 0, tmp_path)
    assert tally.faults == []
    assert tally.trials == DRILLS[name].slice
    assert len(tally.outcomes) > 0
