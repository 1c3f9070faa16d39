"""Where exactly the first round of each method can be stopped."""

from __future__ import annotations

import pytest

from tests.methods.sessions import started
from unlearnable.methods import METHODS

MEASURED = [(0, 6), (0, 12)]  # batches to come, posts measured: 12 of them in batches of at most 8


@pytest.mark.parametrize(
    ("name", "steps"),  # of the proxies and of the surrogates before the first batch of noise
    [
        ("random", lambda quick: (0, 0)),
        ("em", lambda quick: (0, quick.surrogate_steps)),
        ("mem", lambda quick: (quick.proxy_tuning_steps, quick.surrogate_steps)),
        ("uap", lambda quick: (0, quick.surrogate_steps * quick.max_rounds)),
    ],
)
def test_a_round_can_be_stopped_in_its_training_between_its_batches_and_in_its_measuring(
    name, steps, make_problem, quick
):
    session, stops = started(name, make_problem(), quick), []
    for done in METHODS[name]().rounds(session):
        if done is not None:
            break
        place = session.state.place
        stops.append((getattr(session.state, "learnt", 0), place.trained, len(place.batches or []), len(place.losses)))
    learnt, trained = steps(quick)
    batches = [(1, 0), (0, 0)] if trained else []
    assert stops == [
        *((n, 0, 0, 0) for n in range(1, learnt + 1)),
        *((learnt, n, 0, 0) for n in range(1, trained + 1)),
        *((learnt, trained, *stop) for stop in [*batches, *MEASURED]),
    ]
