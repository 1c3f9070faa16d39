"""The minimisation over the trigger (Eq. 6): HotFlip candidates, beam search, each post judged on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.errors import ConfigError
from unlearnable.methods.base import AnySession, Problem
from unlearnable.methods.batches import caption_mask, decoy_tokens, views
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import computing, encode_photos, encode_texts
from unlearnable.models.tokens import CaptionSlot, Vocabulary
from unlearnable.settings import MethodSettings, Precision
from unlearnable.training.attacker import contrastive_loss
from unlearnable.training.data import tokens_of
from unlearnable.training.distributed import World


def candidates(fall: Tensor, allowed: Tensor, count: int) -> Tensor:
    """Return the `count` best words at each position, among those that each post may use.

    Args:
        fall: (b, k, v) falls of the loss, summed over surrogates.
        allowed: (b, v) bool, the words that each post may use.
        count: number of words; fewer are returned if some post may use fewer.

    Returns:
        (b, k, count) positions in the vocabulary, best first.
    """
    most = min(count, int(allowed.sum(dim=1).min()))
    return fall.masked_fill(~allowed[:, None, :], float("-inf")).topk(most, dim=-1).indices


CHUNK = 512  # texts in a forward pass
CANDIDATES = 4  # words tried at each place: on 160 photos the loss fell as far as with 16, and less far with 1
BEAM = 1  # triggers kept at each place: more cost as many times the texts
TriggerLoss = Callable[[Tensor, Tensor], Tensor]


def beam_search(current: Tensor, options: Tensor, loss_of: TriggerLoss, width: int) -> tuple[Tensor, Tensor]:
    """Choose words position by position, keeping the `width` best triggers of every post.

    The current trigger of a post competes too, so that its loss never rises. No word
    occurs twice in a trigger.

    Args:
        current: (b, k) current words, as numbers.
        options: (b, k, c) words to try at each position.
        loss_of: function from triggers (b, n, k) and a mask (b, n) of those to score to losses (b, n).
        width: number of triggers kept for each post.

    Returns:
        Triggers (b, k) and their losses (b,).
    """
    length = current.shape[1]
    beams = current[:, None, :]  # (b, w, k)
    losses = loss_of(beams, torch.ones(beams.shape[:2], dtype=torch.bool))
    for position in range(length):
        tried = options[:, position]  # (b, c)
        grown = beams[:, :, None, :].repeat(1, 1, tried.shape[1], 1)  # (b, w, c, k)
        there = (grown == tried[:, None, :, None]).any(dim=-1).flatten(1)
        grown[..., position] = tried[:, None, :]
        fresh = grown.flatten(1, 2)  # (b, w * c, k)
        once = (fresh[..., None] == fresh[..., None, :]).sum(dim=(2, 3)) == length  # each word equals itself alone
        worth = once & ~there
        if not worth.any():
            continue
        scores = loss_of(fresh, worth).masked_fill(~worth, float("inf"))
        pool, losses = torch.cat([beams, fresh], dim=1), torch.cat([losses, scores], dim=1)
        losses, best = losses.topk(min(width, losses.shape[1]), dim=1, largest=False)
        beams = pool.gather(1, best[..., None].expand(-1, -1, length))
    return beams[:, 0], losses[:, 0]


def draw_triggers(problem: Problem, settings: MethodSettings, generator: torch.Generator) -> Tensor:
    """(n, k) random concepts, different in a trigger, of those that each post may use."""
    count = len(problem.posts)
    return problem.led(torch.stack([_draw(problem.allowed(n), settings, generator) for n in range(count)]))


def redraw_trigger(session: AnySession, settings: MethodSettings, photo: int) -> Tensor:
    """(k,) other random concepts for the trigger of a post: none that it has now."""
    allowed = allowed_words(session.problem, photo)
    allowed[session.state.triggers[photo]] = False
    return _draw(allowed, settings, session.state.generator)


def allowed_words(problem: Problem, photo: int) -> Tensor:
    """(v,) bool: the concepts that the trigger of a post may hold, which other posts may share with it."""
    return problem.allowed(problem.leaders[photo] if problem.leaders else photo)


def _draw(allowed: Tensor, settings: MethodSettings, generator: torch.Generator) -> Tensor:
    """(k,) concepts of those that are allowed (v,).

    Raises:
        ConfigError: these are fewer than a trigger has.
    """
    if int(allowed.sum()) < settings.trigger_length:
        message = "captions and photos leave too few words for a trigger"
        raise ConfigError(message, hint="give more words with `words`")
    return torch.multinomial(allowed.float(), settings.trigger_length, generator=generator)


@dataclass(frozen=True)
class Scene:
    """A batch as the search sees it: features are computed once and serve every candidate."""

    photos: list[int]
    slots: list[CaptionSlot]
    models: list[DualEncoder]
    images: list[Tensor]  # one (b, d) a surrogate
    decoys: list[Tensor | None]  # one (m, d) a surrogate
    precision: Precision


def improve_triggers(session: AnySession, photos: list[int]) -> int:
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
    return _improve_each(session, scene)


def _improve_each(session: AnySession, scene: Scene) -> int:
    """Each post its own trigger, all at once, beside those that the others have had so far.

    Each process searches for its share of the batch, and all of them get the triggers of all.
    """
    problem, state = session.problem, session.state
    triggers, world = state.triggers[scene.photos], problem.world
    rows = torch.tensor(world.share(len(scene.photos)))
    allowed = torch.stack([problem.allowed(scene.photos[n]) for n in rows.tolist()])
    fall, texts = _fall(scene, problem.vocabulary, triggers, rows, world)
    found = _search(triggers[rows], fall, allowed, _judge_each(scene, problem.vocabulary, texts, rows))
    after = torch.cat(world.exchange(found))[: len(scene.photos)]
    state.triggers[scene.photos] = after
    state.triggers = problem.led(state.triggers)
    return int((after != triggers).any(dim=1).sum())


def _search(triggers: Tensor, fall: Tensor, allowed: Tensor, judge: TriggerLoss) -> Tensor:
    """(b, k) better words than the triggers', by the fall of the loss (b, k, v), of the concepts (b, v) allowed."""
    return beam_search(triggers, candidates(fall, allowed, CANDIDATES), judge, BEAM)[0]


def _fall(
    scene: Scene, vocabulary: Vocabulary, triggers: Tensor, rows: Tensor, world: World
) -> tuple[Tensor, list[Tensor]]:
    """First-order fall of the loss for each concept at each place of the triggers of `rows` (HotFlip).

    Replacing embedding e by e' changes the loss by (e' - e) . g; the term in e is the same for all words and left out.
    A word of several tokens counts as the mean of its embeddings, in the place of the mean of those that stand there.

    Triggers (b, k) are those of the batch, and `rows` (r,) those that this process searches for.

    Returns:
        (r, k, v) falls, summed over the surrogates, and the text features (b, d) of each.
    """
    tokens, places = tokens_of(scene.slots, vocabulary.spell(scene.slots, triggers))
    own_slots = [scene.slots[n] for n in rows.tolist()]
    shares = vocabulary.shares(own_slots, triggers[rows], places[rows], tokens.shape[1])
    languages = [slot.language for slot in own_slots]
    mask, falls, features = caption_mask(tokens), [], []
    for model, images, decoys in zip(scene.models, scene.images, scene.decoys, strict=True):
        own = tokens[rows].to(model.device)
        embedded = model.embed(own).detach().requires_grad_()
        with computing(model, scene.precision, "text"):
            found = model.encode_embedded(embedded, own).float()
        features.append(world.gather(found.detach())[: len(tokens)])
        texts = features[-1].index_put((rows.to(model.device),), found)
        loss = contrastive_loss(images, texts, model.logit_scale, drop=mask.to(model.device), decoys=decoys)
        (gradient,) = torch.autograd.grad(loss, embedded)
        at_words = shares @ gradient.cpu()  # (r, k, w)
        tables = {one: vocabulary.table(one, model.token_table.cpu()) for one in set(languages)}
        falls.append(torch.stack([-(at @ tables[one].T) for at, one in zip(at_words, languages, strict=True)]))
    return torch.stack(falls).sum(dim=0), features


def _features(scene: Scene, vocabulary: Vocabulary, model: DualEncoder, rows: Tensor, triggers: Tensor) -> Tensor:
    """(m, d) text features of the captions of batch rows (m,) with triggers (m, k) of concepts."""
    parts = []
    for part, chosen in zip(rows.split(CHUNK), triggers.split(CHUNK), strict=True):
        slots = [scene.slots[n] for n in part.tolist()]
        parts.append(encode_texts(model, tokens_of(slots, vocabulary.spell(slots, chosen))[0], scene.precision))
    return torch.cat(parts)


def _judge_each(scene: Scene, vocabulary: Vocabulary, texts: list[Tensor], rows: Tensor) -> TriggerLoss:
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
            logits = scale * _features(scene, vocabulary, model, posts, tried[worth]) @ images.T  # (m, b)
            hit = logits.gather(1, here[:, None])[:, 0]
            to_text = torch.logaddexp(hit, others[here]) - hit
            to_image = logits.logsumexp(dim=1) - hit
            losses[worth] += ((to_text + to_image) / 2).cpu()
        return losses

    return judge
