"""What an optimisation reports of its progress."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unlearnable.methods.algorithms import EM, MEM, UAP, RandomNoise
from unlearnable.methods.base import settings_for
from unlearnable.methods.optimise import LEARNING, OptimisationTask, optimise, reason_to_stop
from unlearnable.methods.proxies import load_proxies
from unlearnable.methods.triggers import COMPARING
from unlearnable.storage.progress import Silent


class Kept(Silent):
    """Keeps phases and steps."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int]] = []
        self.steps: list[int] = []
        self.figures: set[str] = set()

    def phase(self, name: str, total: int) -> None:
        self.phases.append((name, total))
        self.steps.append(0)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        self.steps[-1] += steps
        self.figures |= metrics.keys()


def test_fine_tuned_proxies_are_a_phase(make_problem, quick, tmp_path):
    kept = Kept()
    settings = replace(quick, max_rounds=1, proxy_tuning_steps=2, threshold=1e-9)
    optimise(OptimisationTask(make_problem(12), MEM(), settings, tmp_path / "state.pt", "key"), kept, lambda _: False)
    assert kept.phases == [(COMPARING, 12), (LEARNING, 2), ("optimising (mem)", 2)]
    assert kept.steps == [12, 2, 2]


def test_a_few_posts_are_soon_known_by_heart_and_one_is_nothing_to_learn(make_problem, quick):
    settings = replace(quick, max_rounds=1, proxy_tuning_steps=99)
    for posts, phases in [
        (4, [(COMPARING, 4), (LEARNING, 16), ("optimising (mem)", 1)]),  # 16 epochs of one batch
        (1, [(COMPARING, 1), ("optimising (mem)", 1)]),
    ]:
        kept = Kept()
        optimise(OptimisationTask(make_problem(posts), MEM(), settings, None, "key"), kept, lambda _: False)
        assert (kept.phases, kept.steps) == (phases, [total for _, total in phases])


def test_random_noise_is_drawn_in_one_round_and_teaches_nobody(make_problem, quick, tmp_path):
    kept, settings = Kept(), settings_for(RandomNoise, quick)
    task = OptimisationTask(make_problem(12), RandomNoise(), settings, tmp_path / "state.pt", "key")
    optimise(task, kept, lambda _: False)
    assert kept.phases[-1] == ("optimising (random)", 2)


@pytest.mark.parametrize("method", [EM, UAP, RandomNoise])
def test_methods_that_shift_no_features_load_no_proxies(quick, method):
    given = replace(quick, proxy_weight=9.0, proxies=("resnet-small",))
    own = settings_for(method, given)
    assert load_proxies(own, ("small",), "cpu") == ()


def test_a_run_is_over_at_the_mean_of_its_last_two_losses_or_after_its_rounds(quick):
    plain = replace(quick, threshold=0.5, max_rounds=4, proxy_weight=0.0)
    curves = [[], [0.1], [0.9, 0.2], [0.2, 0.7], [0.9, 0.9, 0.0], [2.0, 0.1, 0.1], [2.0] * 4]
    reasons = ["", "", "", "threshold", "threshold", "threshold", "rounds"]
    assert [reason_to_stop(plain, losses) for losses in curves] == reasons
    shifting = replace(plain, proxy_weight=1.0)
    assert [reason_to_stop(shifting, losses) for losses in curves] == [*[""] * 6, "rounds"]
