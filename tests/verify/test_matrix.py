"""The matrix: one row for each attack and attacker, the worst first, nothing hidden."""

from __future__ import annotations

import pytest

from tests.verify.test_verdict import REFERENCES, cell
from unlearnable.verify.findings import findings, matrix


def test_rows_are_sorted_by_their_worst_victim_with_harm_first_and_the_unknown_last():
    cells = [cell("clean", 60), cell("clean", 12, victim="b"), cell("clean", 60, victim="c")]
    cells += [cell("protected", 10), cell("protected", 12, victim="b"), cell("protected", 40, victim="c")]
    cells += [cell("protected", 65, through="grayscale"), cell("protected", 35, through="jpeg-75")]
    cells += [cell("protected", 12, through="avif-60", victim="b")]
    found = findings(cells, REFERENCES)
    made_for_it = [one.model_copy(update={"adaptive": one.through == "jpeg-75"}) for one in found]
    rows = matrix(made_for_it)
    assert [row.through for row in rows if row.adaptive] == ["jpeg-75"]
    assert [row.through for row in rows] == ["grayscale", "png", "jpeg-75", "avif-60"]
    assert rows[0].effects == {"small": pytest.approx(-0.1)}
    assert rows[1].effects == {"small": pytest.approx(1.0), "b": None, "c": pytest.approx(0.4)}
    assert rows[3].effects == {"b": None}


def test_a_cell_is_the_mean_of_both_directions():
    (row,) = matrix(findings([cell("clean", 60), cell("protected", 35, back=10)], REFERENCES))
    assert row.effects["small"] == pytest.approx(0.75)
