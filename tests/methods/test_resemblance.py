from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.methods.sessions import started
from unlearnable.imaging.decode import decode
from unlearnable.imaging.picture import working_copy
from unlearnable.methods.base import FOUND
from unlearnable.methods.steps import settle
from unlearnable.methods.triggers import draw_triggers, improve_triggers, resemblance, text_features
from unlearnable.models.openclip import load
from unlearnable.storage.progress import Silent

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"
PHOTOS = [path for path in sorted(EXAMPLES.rglob("*")) if path.is_file()]


def seeing(problem):
    """The problem with what its models see in its photos."""
    models, words = (problem.surrogates, problem.witness), problem.vocabulary
    return replace(problem, resemblance=resemblance(problem.posts.pixels, *models, words, "auto", Silent()))


@pytest.fixture
def examples(make_problem):
    """The example photos, on the bundled model."""
    return make_problem(
        pictures=[working_copy(decode(path).pixels, 112) for path in PHOTOS], surrogates=[load("small")]
    )


def closeness(problem, triggers):
    """(n,) cosines of photos and triggers."""
    words = [problem.vocabulary.trigger(row).text for row in triggers.tolist()]
    (photos,), (texts,) = problem.resemblance.photos, text_features(problem.surrogates, words, "fp32")
    return (photos * texts).sum(dim=1)


def test_searched_triggers_do_not_describe_the_clean_photos(examples, quick):
    means = {}
    for described in (True, False):
        seen = seeing(examples)
        problem = examples if described else seen
        settings = replace(quick, batch_size=len(PHOTOS))
        session = started("mem", problem, settings)
        settle(session.state.models, session.settings.precision)
        improve_triggers(session, list(range(len(PHOTOS))))
        means[described] = float(closeness(seen, session.state.triggers).mean())
    random = draw_triggers(examples, quick, torch.Generator().manual_seed(0))
    assert means[True] > 0.15  # words of what is seen: the shortest way to a low loss
    assert means[False] <= float(closeness(seen, random).mean())


def test_a_second_model_vetoes_words_that_the_first_would_take(examples):
    alone, both = seeing(examples), seeing(replace(examples, witness=load("resnet-small")))
    photos, words = both.resemblance.witness
    for photo in range(len(PHOTOS)):
        vetoed = both.resemblance.describing([photo]) & ~alone.resemblance.describing([photo])
        assert vetoed.any()
        assert not both.resemblance.describing([photo])[(words @ photos[photo]).argsort()[:40]].all()
        assert both.resemblance.describing([photo])[(words @ photos[photo]).argsort(descending=True)[:FOUND]].all()


def test_one_trigger_for_several_posts_describes_none_of_what_they_have_in_common(make_problem):
    problem = seeing(make_problem())
    allowed = replace(problem, leaders=(0,) * 12).allowed(0)
    (photos,), (words,) = problem.resemblance.photos, problem.resemblance.words
    close = words @ photos.mean(dim=0)
    assert close[allowed].max() <= close.quantile(0.55)
    assert allowed.sum() > 0.4 * len(words)
    led = replace(problem, leaders=(0, 1, 0, *range(3, 12)))
    assert not torch.equal(led.allowed(0), problem.allowed(0))
