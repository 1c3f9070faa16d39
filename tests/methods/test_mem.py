from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.methods.sessions import finish, measure, started
from unlearnable.errors import ConfigError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.placement import working_copy
from unlearnable.methods import METHODS, steps, triggers
from unlearnable.methods.batches import decoy_tokens, settle
from unlearnable.methods.triggers import improve_triggers
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import load
from unlearnable.models.tokens import Vocabulary, cut
from unlearnable.training.attacker import contrastive_loss
from unlearnable.training.data import tokens_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"


def run(name, problem, settings):
    session = started(name, problem, settings)
    before = float(measure(session).mean())
    return session.state, [before, *(done.loss for done in finish(name, session))]


@pytest.fixture
def longer(quick):
    return replace(quick, max_rounds=6, noise_steps=8, batch_size=12)


def test_mem_lowers_the_loss_and_beats_em_and_random(make_problem, longer):
    def curve(name):  # a single one depends on the words that were drawn: on the tiny encoder by a factor of four
        runs = [run(name, make_problem(seed=seed), longer)[1] for seed in range(3)]
        return [sum(losses) / len(runs) for losses in zip(*runs, strict=True)]

    mem, em, random = map(curve, ("mem", "em", "random"))
    assert mem[-1] < 0.5 * mem[0]
    assert mem[-1] < 0.9 * em[-1]
    assert mem[-1] < 0.5 * random[-1]


def test_uap_raises_the_loss(make_problem, longer):
    _, losses = run("uap", make_problem(), longer)
    assert losses[-1] > losses[0]


def test_the_trigger_search_alone_lowers_the_loss_of_real_photos(make_problem, quick):
    photos = [decode(path).pixels for path in sorted(EXAMPLES.rglob("*.jpg"))]
    problem = make_problem(pictures=[working_copy(pixels, 112) for pixels in photos], surrogates=[load("small")])
    settings = replace(quick, batch_size=len(photos))
    session = started("mem", problem, settings)
    settle(session.state.models, session.settings.precision)
    before = measure(session).mean()
    assert improve_triggers(session, list(range(len(photos)))) > len(photos) / 2
    assert measure(session).mean() < 0.5 * before


def test_a_search_costs_a_text_for_each_word_tried(make_problem, quick, monkeypatch):
    encoded, encode = [], DualEncoder.encode_embedded

    def counted(model, embedded, tokens):
        encoded.append(len(tokens) * (2 if embedded.requires_grad else 1))  # it also goes back
        return encode(model, embedded, tokens)

    problem = make_problem()
    settings = replace(quick, batch_size=12)
    session = started("mem", problem, settings)
    settle(session.state.models, session.settings.precision)
    monkeypatch.setattr(DualEncoder, "encode_embedded", counted)
    improve_triggers(session, list(range(12)))
    assert 0 < sum(encoded) <= 12 * (3 + triggers.CANDIDATES * settings.trigger_length)


@pytest.mark.parametrize("at", [0, 2, 10**6])
@pytest.mark.parametrize("length", [1, 5])
def test_any_length_and_position(make_problem, quick, at, length):
    settings = replace(quick, trigger_length=length, max_rounds=1)
    state, losses = run("mem", make_problem(at=at, length=length), settings)
    assert state.triggers.shape == (12, length)
    assert len(losses) == 2


@pytest.fixture
def other(tiny):
    """A model that is somewhat unlike the tiny one."""
    other = tiny.clone()
    torch.manual_seed(9)
    with torch.no_grad():
        for p in other.module.parameters():
            p.add_(0.1 * p.std(correction=0) * torch.randn_like(p))
    return other


def test_an_ensemble_lowers_the_loss_on_both(make_problem, longer, tiny, other):
    problem = make_problem(surrogates=[tiny, other])
    state, losses = run("mem", problem, longer)
    assert len(state.models) == 2
    assert losses[-1] < 0.6 * losses[0]


def test_the_noise_of_an_ensemble_goes_by_all_of_its_models(make_problem, quick, tiny, other):
    def gradients(*surrogates):
        session = started("em", make_problem(surrogates=surrogates), quick)
        slots = session.problem.posts.choose(range(8), session.state.generator)
        return steps.noise_gradients(session, range(8), slots)

    for both, *each in zip(gradients(tiny, other), gradients(tiny), gradients(other), strict=True):
        torch.testing.assert_close(both, each[0] + each[1])


def test_photos_of_equal_captions_are_not_told_apart(make_problem, quick):
    problem = make_problem()
    same = replace(problem, posts=replace(problem.posts, slots=(problem.posts.slots[0][:1],) * 12))
    session = started("em", same, quick)
    assert measure(session).abs().max() < 1e-6
    learners = list(zip(session.state.models, session.state.optimisers, strict=True))
    assert steps.train_step(session, learners, session.state.triggers) < 1e-6


def judged(session, scope, tried, monkeypatch):
    """What the search thinks of triggers (b, 1, k), and the images and texts (b, d) that it compares."""
    seen, genuine = [], getattr(triggers, f"_judge_{scope}")
    monkeypatch.setattr(triggers, f"_judge_{scope}", lambda *given: seen.append(given) or genuine(*given))
    settle(session.state.models, "fp32")
    improve_triggers(session, list(range(8)))
    (scene, *given), (model,) = seen[0], session.state.models
    words = session.problem.vocabulary.spell(scene.slots, tried[:, 0].expand(8, -1))
    with torch.no_grad():
        texts = model.encode_text(tokens_of(scene.slots, words)[0])
    return genuine(scene, *given)(tried, torch.ones(len(tried), 1, dtype=torch.bool))[:, 0], scene, texts, given


def test_a_search_judges_a_trigger_beside_the_captions_that_the_others_have(make_problem, quick, monkeypatch):
    session = started("mem", make_problem(8), quick)
    found, scene, texts, given = judged(session, "each", torch.arange(24).view(8, 1, 3), monkeypatch)
    for n in range(8):
        (beside,) = (now.clone() for now in given[1])
        beside[n] = texts[n]
        losses = contrastive_loss(scene.images[0], beside, session.state.models[0].logit_scale, reduction="none")
        torch.testing.assert_close(found[n], losses[n])


def test_posts_rest_under_the_threshold_and_wake_again(make_problem, quick):
    problem = make_problem()
    session = started("mem", problem, quick)
    state = session.state
    low, high = torch.full((12,), 0.001), torch.full((12,), 0.5)
    steps.rest(session, low)
    assert not state.resting.any()
    steps.rest(session, low)
    assert state.resting.all()
    steps.rest(session, high)
    assert not state.resting.any()


def test_posts_of_em_rest_too(make_problem, quick):
    session = started("em", make_problem(), replace(quick, threshold=100.0))
    assert [done.metrics["resting"] for done in finish("em", session)] == [0, 12, 12]


def test_random_noise_is_everywhere_as_strong_as_it_may_be(make_problem, quick):
    session = started("random", make_problem(), quick)
    finish("random", session)
    assert set(session.state.noise.data.tolist()) == {-quick.epsilon, quick.epsilon}


def test_surrogates_keep_to_the_largest_scale_of_clip(make_problem, quick):
    session = started("em", make_problem(), quick)
    (model,) = session.state.models
    with torch.no_grad():
        model.module.logit_scale.fill_(9.0)
    list(steps.train_surrogates(session, 1))
    assert model.logit_scale.item() == pytest.approx(100)


def test_other_words_for_a_post_are_none_that_it_has(make_problem, quick):
    problem = make_problem()
    few = Vocabulary({"en": problem.vocabulary.glosses[:12]})
    session = started("mem", replace(problem, vocabulary=few), quick)
    now = set(session.state.triggers[4].tolist())
    drawn = [set(triggers.redraw_trigger(session, quick, 4).tolist()) for _ in range(40)]
    assert not any(now & words for words in drawn)
    assert len(set(map(frozenset, drawn))) > 10


def test_captions_that_leave_no_words_for_a_trigger_are_told(make_problem, quick):
    problem = make_problem()
    few = Vocabulary({"en": problem.vocabulary.glosses[:2]})
    with pytest.raises(ConfigError, match="too few words for a trigger"):
        started("mem", replace(problem, vocabulary=few), quick)


@pytest.mark.parametrize("name", ["mem", "em"])
def test_a_surrogate_with_dropout_makes_the_same_noise_whatever_was_drawn_before(make_problem, quick, tiny, name):
    dropping = tiny.clone()
    dropping.module.get_submodule("visual").ln_post = torch.nn.Sequential(torch.nn.LayerNorm(64), torch.nn.Dropout(0.5))
    seen = []
    for number in range(2):
        torch.manual_seed(number)
        session = started(name, make_problem(surrogates=[dropping]), quick)
        before = torch.get_rng_state()
        seen.append(finish(name, session)[-1].loss)
        assert torch.equal(torch.get_rng_state(), before), "the numbers of the caller are left alone"
    assert seen[0] == seen[1]


def test_resting_posts_keep_their_noise(make_problem, quick):
    problem = make_problem()
    settings = replace(quick, surrogate_steps=0)
    session = started("mem", problem, settings)
    state, rounds = session.state, filter(None, METHODS["mem"]().rounds(session))
    next(rounds)
    before = state.noise.grid(3)
    state.resting[3] = True
    next(rounds)
    assert (state.noise.grid(3) == before).all()
    assert (state.noise.grid(4) != 0).any()


def test_a_post_that_alone_does_not_rest_still_gets_noise(make_problem, longer):
    few = replace(longer, batch_size=4, noise_steps=1)  # fewer than there are posts
    session = started("em", make_problem(), few)
    resting = torch.ones(len(session.problem.posts), dtype=torch.bool)
    resting[1] = False
    for batch in steps.remaining(session, resting):
        steps.move_noise(session, batch, shuffle=False)
    assert session.state.noise.read(1).any()


def test_captions_that_fill_the_context_are_protected_without_words_too(make_problem, longer):
    session = started("em", make_problem(), longer)
    slot = cut("a sunset over the mountains " * 30, 0, 0)
    assert len(slot.head + slot.tail) == 75
    tokens = decoy_tokens(session, [slot])
    assert tokens.shape == (longer.batch_size - 1, 77)


@pytest.mark.parametrize(("epsilon", "length"), [(4, 1), (8, 1), (15, 1), (16, 2), (32, 4)])
def test_a_higher_bound_is_reached_by_longer_steps(make_problem, quick, epsilon, length):
    settings = replace(quick, epsilon=epsilon, noise_steps=1, visibility="high")
    session = started("em", make_problem(), settings)
    steps.move_noise(session, [0, 1, 2], shuffle=False)
    assert set(session.state.noise.read(0).abs().unique().tolist()) <= {0, length}
    assert session.state.noise.read(0).abs().max() == length


def test_the_first_order_fall_of_a_word_of_several_tokens_is_that_of_its_mean_embedding(make_problem, quick):
    """With frozen texts around it, the loss falls by what the mean gradient at its place says of the mean embedding."""
    session = started("mem", make_problem(8), quick)
    vocabulary, (model,) = session.problem.vocabulary, session.state.models
    slots = [own[0] for own in session.problem.posts.slots]
    tokens, places = tokens_of(slots, vocabulary.spell(slots, session.state.triggers))
    shares = vocabulary.shares(slots, session.state.triggers, places, tokens.shape[1])
    table, embedded = vocabulary.table("de", model.token_table), model.embed(tokens)
    assert torch.allclose(
        (shares @ embedded)[:, 0], vocabulary.table("", model.token_table)[session.state.triggers[:, 0]]
    )
    assert table.shape == (len(vocabulary), model.token_table.shape[1])
