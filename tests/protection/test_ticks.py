"""What an optimisation tells of its progress, and how long it is expected to take."""

from __future__ import annotations

import time

import pytest

from unlearnable.methods import mem, steps, trigger_search
from unlearnable.methods.base import Round, settings_for
from unlearnable.methods.em import EM
from unlearnable.methods.mem import MEM
from unlearnable.methods.random import RandomNoise
from unlearnable.methods.resemblance import COMPARING
from unlearnable.methods.uap import UAP
from unlearnable.progress.reporting import Silent
from unlearnable.protection.optimise import OptimisationTask, optimise, reason_to_stop
from unlearnable.protection.ticks import LEARNING, Ticks
from unlearnable.protection.timing import StepSeconds, optimising_seconds, step_seconds, texts_tried, tried_seconds
from unlearnable.protection.towers import load_towers


def seconds(each: float) -> StepSeconds:
    return StepSeconds(each / 2, each / 2)


class Kept(Silent):
    """Keeps phases, steps, and parts of steps."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int]] = []
        self.steps: list[int] = []
        self.shares: list[float] = []
        self.figures: set[str] = set()

    def phase(self, name: str, total: int) -> None:
        self.phases.append((name, total))
        self.steps.append(0)

    def advance(self, steps: int = 1, **metrics: float) -> None:
        self.steps[-1] += steps
        self.figures |= metrics.keys()

    def expect(self, seconds) -> None:
        pass

    def within(self, share: float) -> None:
        self.shares.append(share)


def test_adversaries_are_a_phase_and_each_batch_is_a_tick(make_problem, quick, tmp_path):
    kept = Kept()
    settings = quick.model_copy(update={"max_rounds": 1, "adversary_steps": 2, "threshold": 1e-9})
    optimise(OptimisationTask(make_problem(12), MEM(), settings, tmp_path / "state.pt", "key"), kept, lambda _: False)
    assert kept.phases == [(COMPARING, 12), (LEARNING, 2), ("optimising (mem)", 1)]
    assert kept.steps == [12, 2, 1]
    assert len(kept.shares) == 3 + 2 + 2  # surrogate steps, batches moved, batches measured
    assert kept.shares == sorted(kept.shares)
    assert 0 < kept.shares[0] < kept.shares[-1] == pytest.approx(1)


def test_a_few_posts_are_soon_known_by_heart_and_one_is_nothing_to_learn(make_problem, quick):
    settings = quick.model_copy(update={"max_rounds": 1, "adversary_steps": 99})
    for posts, phases in [
        (4, [(COMPARING, 4), (LEARNING, 16), ("optimising (mem)", 1)]),  # 16 epochs of one batch
        (1, [(COMPARING, 1), ("optimising (mem)", 1)]),
    ]:
        kept = Kept()
        optimise(OptimisationTask(make_problem(posts), MEM(), settings, None, "key"), kept, lambda _: False)
        assert (kept.phases, kept.steps) == (phases, [total for _, total in phases])
        assert (LEARNING in optimising_seconds("mem", settings, posts, [seconds(1.0)], [])) == (posts > 1)


@pytest.mark.parametrize("method", [MEM, EM])
def test_a_single_photo_has_no_loss_to_show(method, make_problem, quick):
    settings = settings_for(method, quick.model_copy(update={"max_rounds": 1}), {})
    for posts, shown in ((1, set()), (2, {"loss", "surrogate_loss"})):
        kept = Kept()
        optimise(OptimisationTask(make_problem(posts), method(), settings, None, "key"), kept, lambda _: False)
        assert {name for name in kept.figures if name.endswith("loss")} == shown


def test_a_resumed_run_begins_with_its_rounds(make_problem, quick):
    kept, session = Kept(), MEM().start(make_problem(4), quick)
    Ticks(kept, "mem", quick, session.state).begin(2)
    assert (kept.phases, kept.steps) == ([("optimising (mem)", 3)], [2])


def test_random_noise_is_drawn_in_one_round_and_teaches_nobody(make_problem, quick, tmp_path):
    kept, settings = Kept(), settings_for(RandomNoise, quick, {})
    task = OptimisationTask(make_problem(12), RandomNoise(), settings, tmp_path / "state.pt", "key")
    optimise(task, kept, lambda _: False)
    assert kept.phases[-1] == ("optimising (random)", 1)
    assert kept.shares[-1] == pytest.approx(1)
    assert list(optimising_seconds("random", settings, 12, [seconds(3.0)], [seconds(9.0)]).values()) == [
        pytest.approx(12 / min(12, settings.batch_size))  # it is measured once, in a third of a noise step
    ]


@pytest.mark.parametrize("method", [EM, UAP, RandomNoise])
def test_methods_that_mislead_no_adversary_load_no_towers_and_expect_no_lessons(quick, method):
    given = quick.model_copy(update={"adversarial_weight": 9.0, "towers": ("resnet-small",)})
    own = settings_for(method, given, {})
    assert load_towers(own, ("small",), "cpu") == ()
    assert LEARNING not in optimising_seconds(method.name, own, 80, [seconds(1.0)], [])


def test_a_run_is_over_at_the_mean_of_its_last_two_losses_or_after_its_rounds(quick):
    plain = quick.model_copy(update={"threshold": 0.5, "max_rounds": 4, "adversarial_weight": 0.0})
    curves = [[], [0.1], [0.9, 0.2], [0.2, 0.7], [0.9, 0.9, 0.0], [2.0, 0.1, 0.1], [2.0] * 4]
    reasons = ["", "", "", "threshold", "threshold", "threshold", "rounds"]
    assert [reason_to_stop(plain, losses) for losses in curves] == reasons
    misleading = plain.model_copy(update={"adversarial_weight": 1.0})
    assert [reason_to_stop(misleading, losses) for losses in curves] == [*[""] * 6, "rounds"]


def test_more_work_is_expected_to_take_longer(tiny, quick):
    step = step_seconds(tiny, quick, 12)
    assert step.photos > 0 < step.texts
    few, many = (sum(optimising_seconds("mem", quick, photos, [step], []).values()) for photos in (8, 80))
    assert many > few
    assert LEARNING in optimising_seconds("mem", quick, 8, [step], [step])
    plain = quick.model_copy(update={"adversarial_weight": 0.0})
    assert list(optimising_seconds("mem", plain, 8, [step], [step])) == ["optimising (mem)"]


def test_a_round_of_some_posts_says_what_all_rounds_of_all_posts_take(make_problem, quick, monkeypatch):
    """By a clock that moves in steps alone: training takes 100 s, a noise step 1 s, a search 2.65 of these."""
    now = [0.0]

    def taking(seconds, genuine):
        def slow(*given, **how):
            now[0] += seconds
            return genuine(*given, **how)

        return slow

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(steps, "train_step", taking(100.0, steps.train_step))
    monkeypatch.setattr(steps, "move_noise", taking(float(quick.noise_steps), steps.move_noise))
    monkeypatch.setattr(
        mem, "improve_triggers", taking(1 + 0.33 * (1 + quick.candidates), trigger_search.improve_triggers)
    )
    training = 100 * (quick.adversary_steps + quick.max_rounds * quick.surrogate_steps)
    batches = 120 / 8 * (quick.max_rounds * quick.noise_steps + quick.trigger_rounds * 2.65)
    assert tried_seconds(MEM(), make_problem(8), quick, 120) == pytest.approx(training + batches)


def test_what_a_method_of_others_does_between_its_ticks_grows_with_the_posts(make_problem, quick, monkeypatch):
    now = [0.0]

    class Theirs(EM):
        def rounds(self, session):
            for number in range(session.settings.max_rounds):
                for _ in range(2):
                    now[0] += 1.0
                    yield None
                yield Round(number + 1, 0.0, {})

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    settings = settings_for(Theirs, quick, {})
    assert tried_seconds(Theirs(), make_problem(8), settings, 80) == pytest.approx(quick.max_rounds * 2 * 10)


def test_steps_for_quick_models_and_words_that_are_not_tried_take_no_time(quick):
    towers = (seconds(1.0), seconds(0.1))
    slow, fast = (sum(optimising_seconds("mem", quick, 80, [seconds(1.0)], [tower]).values()) for tower in towers)
    assert fast < slow
    few, many = (quick.model_copy(update={"candidates": words}) for words in (1, 16))
    assert texts_tried(many) == 17
    assert sum(optimising_seconds("mem", few, 80, [seconds(1.0)], []).values()) < sum(
        optimising_seconds("mem", many, 80, [seconds(1.0)], []).values()
    )


def test_steps_that_mislead_read_no_captions(quick):
    """Captions that take long to read are read where noise is bound to words, in one step of ten here."""
    binding, mostly = (quick.model_copy(update={"adversarial_weight": weight}) for weight in (0.0, 9.0))
    moving = [
        optimising_seconds("mem", settings, 80, [StepSeconds(1.0, texts)], [])["optimising (mem)"]
        for settings in (binding, mostly)
        for texts in (0.0, 9.0)
    ]
    assert moving[3] - moving[2] < moving[1] - moving[0]


def test_models_are_timed_as_steps_take_them_and_stay_as_they_are(tiny, quick):
    before = {name: value.clone() for name, value in tiny.module.state_dict().items()}
    training = tiny.module.training
    step_seconds(tiny, quick, 12)
    assert tiny.module.training == training
    assert all(value.equal(before[name]) for name, value in tiny.module.state_dict().items())
