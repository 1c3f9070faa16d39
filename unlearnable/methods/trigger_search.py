"""The minimisation over the trigger (Eq. 6): HotFlip candidates, beam search, each post judged on its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.config import MEMSettings, Precision, TriggerSettings
from unlearnable.errors import ConfigError
from unlearnable.methods import fluency
from unlearnable.methods.base import AnySession, MEMSession
from unlearnable.methods.batches import caption_mask, decoy_tokens, in_order, views
from unlearnable.methods.problem import Problem
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import computing, encode_photos, encode_texts
from unlearnable.models.tokens import CaptionSlot
from unlearnable.optim.beam import TriggerLoss, beam_search
from unlearnable.optim.contrastive import contrastive_loss
from unlearnable.optim.fluent import fluent_search
from unlearnable.optim.hotflip import candidates, scores
from unlearnable.posts.pixels import tokens_of
from unlearnable.training.distributed import ALONE, World

CHUNK = 512  # texts in a forward pass


def draw_triggers(problem: Problem, settings: TriggerSettings, generator: torch.Generator) -> Tensor:
    """(n, k) random words, different in a trigger, of those that each post may use."""
    ids = torch.tensor(problem.vocabulary.ids)
    if settings.trigger_scope == "user":
        allowed = problem.allowed_to_all(range(len(problem.posts)))[None]
        slots = [those[0] for those in problem.posts.slots[: settings.batch_size]]
        return ids[_draw(problem, settings, slots, allowed, generator)].repeat(len(problem.posts), 1)
    drawn = []
    for photos in in_order(len(problem.posts), settings.batch_size):
        allowed = torch.stack([problem.allowed(n) for n in photos])
        slots = [problem.posts.slots[n][0] for n in photos]
        drawn.append(ids[_draw(problem, settings, slots, allowed, generator)])
    return problem.led(torch.cat(drawn))


def redraw_trigger(session: AnySession, settings: TriggerSettings, photo: int) -> Tensor:
    """(k,) other random words for the trigger of a post: none that it has now, but for common ones."""
    problem, ids = session.problem, torch.tensor(session.problem.vocabulary.ids)
    allowed = allowed_words(problem, settings, photo)
    for place in torch.searchsorted(ids, session.state.triggers[photo]).tolist():
        allowed[place] &= problem.vocabulary.words[place] in problem.vocabulary.common
    slots = [problem.posts.slots[photo][0]]
    return ids[_draw(problem, settings, slots, allowed[None], session.state.generator)[0]]


def allowed_words(problem: Problem, settings: TriggerSettings, photo: int) -> Tensor:
    """(v,) bool: the words that the trigger of a post may hold, which other posts may share with it."""
    if settings.trigger_scope == "user":
        return problem.allowed_to_all(range(len(problem.posts)))
    return problem.allowed(problem.leaders[photo] if problem.leaders else photo)


def _draw(
    problem: Problem, settings: TriggerSettings, slots: list[CaptionSlot], allowed: Tensor, generator: torch.Generator
) -> Tensor:
    """(b, k) word numbers for the rows of `allowed` (b, v).

    Raises:
        ConfigError: a row allows fewer words than a trigger has.
    """
    if int(allowed.sum(dim=1).min()) < settings.trigger_length:
        message = "captions and the words to avoid leave too few words for a trigger"
        raise ConfigError(message, hint="avoid fewer words, or give each post words of its own (--trigger-scope post)")
    if problem.proposer is not None:
        return fluency.draw(problem.proposer, slots, allowed, settings, generator)
    rows = [torch.multinomial(row.float(), settings.trigger_length, generator=generator) for row in allowed]
    return torch.stack(rows)


@dataclass(frozen=True)
class Scene:
    """A batch as the search sees it: features are computed once and serve every candidate."""

    photos: list[int]
    slots: list[CaptionSlot]
    models: list[DualEncoder]
    images: list[Tensor]  # one (b, d) a surrogate
    decoys: list[Tensor | None]  # one (m, d) a surrogate
    precision: Precision


def improve_triggers(session: MEMSession, photos: list[int]) -> int:
    """Search better triggers for a batch of photos.

    Returns:
        How many posts got another trigger.
    """
    state, precision, world = session.state, session.settings.precision, session.problem.world
    images = []
    with torch.no_grad():
        for model in state.models:
            features = encode_photos(model, views(session, photos, model.image_size), precision)
            images.append(world.gather(features)[: len(photos)])
        slots = session.problem.posts.choose(photos, state.generator)
        wrong = decoy_tokens(session, slots)
        decoys = [None if wrong is None else encode_texts(model, wrong, precision) for model in state.models]
    scene = Scene(photos, slots, state.models, images, decoys, precision)
    return (_improve_all if session.settings.trigger_scope == "user" else _improve_each)(session, scene)


def _improve_each(session: MEMSession, scene: Scene) -> int:
    """Each post its own trigger, all at once, beside those that the others have had so far.

    Each process searches for its share of the batch, and all of them get the triggers of all.
    """
    problem, state = session.problem, session.state
    ids, triggers, world = torch.tensor(problem.vocabulary.ids), state.triggers[scene.photos], problem.world
    rows = torch.tensor(world.share(len(scene.photos)))
    allowed = torch.stack([problem.allowed(scene.photos[n]) for n in rows.tolist()])
    fall, texts = _fall(scene, triggers, rows, ids, world)
    draft = Draft([scene.slots[n] for n in rows.tolist()], torch.searchsorted(ids, triggers[rows]), fall, allowed)
    found = ids[_search(problem, session.settings, draft, _judge_each(scene, texts, ids, rows))]
    after = torch.cat(world.exchange(found))[: len(scene.photos)]
    state.triggers[scene.photos] = after
    state.triggers = problem.led(state.triggers)
    return int((after != triggers).any(dim=1).sum())


def _improve_all(session: MEMSession, scene: Scene) -> int:
    """One trigger for all posts: gradients averaged over the batch, candidates judged by its mean loss."""
    problem, state = session.problem, session.state
    ids, everyone = torch.tensor(problem.vocabulary.ids), torch.arange(len(scene.photos))
    allowed = problem.allowed_to_all(range(len(problem.posts)))[None]
    fall, _ = _fall(scene, state.triggers[scene.photos], everyone, ids, ALONE)
    before = torch.searchsorted(ids, state.triggers[:1])
    draft = Draft(scene.slots, before, fall.mean(dim=0, keepdim=True), allowed)
    after = _search(problem, session.settings, draft, _judge_all(scene, ids))
    state.triggers[:] = ids[after]
    return len(scene.photos) * int((after != before).any())


@dataclass(frozen=True)
class Draft:
    """Triggers (b, k) of word numbers, to be improved: their captions, the fall of the loss (b, k, v), words (b, v)."""

    slots: list[CaptionSlot]
    words: Tensor
    fall: Tensor
    allowed: Tensor


def _search(problem: Problem, settings: MEMSettings, draft: Draft, judge: TriggerLoss) -> Tensor:
    """(b, k) better words than the draft's: any of the vocabulary, or those a language model offers."""
    if problem.proposer is None:
        options = candidates(draft.fall, draft.allowed, settings.candidates)
        return beam_search(draft.words, options, judge, settings.beam_width)[0]
    cost = fluency.cost(problem.proposer, draft.slots, draft.words)
    offer = fluency.offers(problem.proposer, draft.slots, draft.fall, draft.allowed, settings)
    return fluent_search(draft.words, cost, offer, judge, settings.fluent_beam, settings.fluency)[0]


def _fall(scene: Scene, triggers: Tensor, rows: Tensor, ids: Tensor, world: World) -> tuple[Tensor, list[Tensor]]:
    """First-order fall of the loss for each word of the triggers of `rows`, and what all captions are now.

    Args:
        scene: the batch.
        triggers: (b, k) token ids.
        rows: (r,) this process's rows of the batch.
        ids: (v,) token ids of the vocabulary.
        world: processes that share the batch.

    Returns:
        (r, k, v) falls, summed over the surrogates, and the text features (b, d) of each.
    """
    tokens, places = tokens_of(scene.slots, triggers)
    mask, at = caption_mask(tokens), places[rows, None] + torch.arange(triggers.shape[1])  # (r, k)
    falls, features = [], []
    for model, images, decoys in zip(scene.models, scene.images, scene.decoys, strict=True):
        own = tokens[rows].to(model.device)
        embedded = model.embed(own).detach().requires_grad_()
        with computing(model, scene.precision, "text"):
            found = model.encode_embedded(embedded, own).float()
        features.append(world.gather(found.detach())[: len(tokens)])
        texts = features[-1].index_put((rows.to(model.device),), found)
        loss = contrastive_loss(images, texts, model.logit_scale, drop=mask.to(model.device), decoys=decoys)
        (gradient,) = torch.autograd.grad(loss, embedded)
        gradient = gradient[torch.arange(len(rows))[:, None], at].cpu()
        falls.append(scores(gradient, model.token_table[ids].cpu()))
    return torch.stack(falls).sum(dim=0), features


def _features(scene: Scene, model: DualEncoder, rows: Tensor, triggers: Tensor) -> Tensor:
    """(m, d) text features of the captions of batch rows (m,) with triggers (m, k) of token ids."""
    parts = []
    for part, chosen in zip(rows.split(CHUNK), triggers.split(CHUNK), strict=True):
        tokens, _ = tokens_of([scene.slots[n] for n in part.tolist()], chosen)
        parts.append(encode_texts(model, tokens, scene.precision))
    return torch.cat(parts)


def _judge_each(scene: Scene, texts: list[Tensor], ids: Tensor, rows: Tensor) -> TriggerLoss:
    """Loss of each of the posts `rows` of the batch for its candidates, the texts (b, d) of the others being fixed."""
    own = torch.eye(len(scene.photos), dtype=torch.bool)
    fixed = [now if wrong is None else torch.cat([now, wrong]) for now, wrong in zip(texts, scene.decoys, strict=True)]
    own = torch.cat([own, torch.zeros(len(own), len(fixed[0]) - len(own), dtype=torch.bool)], dim=1)

    @torch.no_grad()
    def judge(tried: Tensor, worth: Tensor) -> Tensor:
        losses = torch.zeros(worth.shape)
        posts = rows[worth.nonzero()[:, 0]]
        for model, images, texts in zip(scene.models, scene.images, fixed, strict=True):
            scale, here = model.logit_scale, posts.to(model.device)
            others = (scale * images @ texts.T).masked_fill(own.to(model.device), float("-inf")).logsumexp(dim=1)
            logits = scale * _features(scene, model, posts, ids[tried[worth]]) @ images.T  # (m, b)
            hit = logits.gather(1, here[:, None])[:, 0]
            to_text = torch.logaddexp(hit, others[here]) - hit
            to_image = logits.logsumexp(dim=1) - hit
            losses[worth] += ((to_text + to_image) / 2).cpu()
        return losses

    return judge


def _judge_all(scene: Scene, ids: Tensor) -> TriggerLoss:
    """Mean loss of the batch when all its posts take the same candidate."""
    everyone = torch.arange(len(scene.photos))

    @torch.no_grad()
    def judge(tried: Tensor, worth: Tensor) -> Tensor:
        losses = torch.zeros(worth.shape)
        for beam, column in worth.nonzero().tolist():
            chosen = ids[tried[beam, column]].expand(len(everyone), -1)
            for model, images, decoys in zip(scene.models, scene.images, scene.decoys, strict=True):
                texts = _features(scene, model, everyone, chosen)
                losses[beam, column] += contrastive_loss(images, texts, model.logit_scale, decoys=decoys).cpu()
        return losses

    return judge
