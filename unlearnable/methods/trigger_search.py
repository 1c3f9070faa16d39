"""The minimisation over the trigger (Eq. 6): HotFlip candidates, beam search, each post judged on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnable.config import MethodSettings
from unlearnable.methods.base import Problem, State
from unlearnable.methods.steps import caption_mask, decoy_tokens, views
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import Slot
from unlearnable.optim.beam import Judge, beam_search
from unlearnable.optim.contrastive import contrastive_loss
from unlearnable.optim.hotflip import candidates, scores
from unlearnable.training.posts import tokens_of

CHUNK = 512


def draw_triggers(problem: Problem, settings: MethodSettings, generator: torch.Generator) -> Tensor:
    """(n, k) random words, different in a trigger and in none of the photo's captions."""
    count = len(problem.posts)
    if settings.trigger_scope == "user":
        everything = [text for texts in problem.captions for text in texts]
        return _draw(problem, everything, settings.trigger_length, generator).repeat(count, 1)
    return torch.cat([_draw(problem, texts, settings.trigger_length, generator) for texts in problem.captions])


def _draw(problem: Problem, captions: Sequence[str], length: int, generator: torch.Generator) -> Tensor:
    allowed = problem.vocabulary.allowed(captions).float()
    chosen = torch.multinomial(allowed, length, generator=generator)
    return torch.tensor(problem.vocabulary.ids)[chosen][None]


@dataclass(frozen=True)
class Scene:
    """A batch as the search sees it: image features are computed once and serve every candidate."""

    photos: list[int]
    slots: list[Slot]
    models: list[DualEncoder]
    images: list[Tensor]  # one (b, d) a surrogate
    decoys: list[Tensor | None]  # one (m, d) a surrogate


def improve_triggers(problem: Problem, settings: MethodSettings, state: State, photos: list[int]) -> int:
    """Search better triggers for a batch of photos.

    Returns:
        How many posts got another trigger.
    """
    with torch.no_grad():
        images = [
            model.encode_image(views(problem, state, photos, model.image_size, settings.enlarge).to(model.device))
            for model in state.models
        ]
        slots = problem.posts.choose(photos, state.generator)
        wrong = decoy_tokens(problem, settings, slots, state)
        decoys = [None if wrong is None else model.encode_text(wrong.to(model.device)) for model in state.models]
    scene = Scene(photos, slots, state.models, images, decoys)
    user = settings.trigger_scope == "user"
    ids = torch.tensor(problem.vocabulary.ids)
    falls = [scores(g, model.token_table[ids].cpu()) for g, model in gradients(scene, state.triggers[photos])]
    fall = torch.stack(falls).sum(dim=0)  # (b, k, v)
    if user:
        everything = [text for texts in problem.captions for text in texts]
        fall, allowed = fall.mean(dim=0, keepdim=True), problem.vocabulary.allowed(everything)[None]
    else:
        allowed = torch.stack([problem.vocabulary.allowed(problem.captions[n]) for n in photos])
    options = candidates(fall, allowed, settings.candidates)
    before = torch.searchsorted(ids, state.triggers[photos[:1] if user else photos])
    judge = (_judge_all if user else _judge_each)(scene, state.triggers[photos], ids)
    after, _ = beam_search(before, options, judge, settings.beam_width)
    changed = (after != before).any(dim=1)
    state.triggers[torch.arange(len(problem.posts)) if user else torch.tensor(photos)] = ids[after]
    return int(changed.sum())


def gradients(scene: Scene, triggers: Tensor) -> list[tuple[Tensor, DualEncoder]]:
    """(b, k, w) of the batch's loss at the trigger's token embeddings, for every surrogate."""
    tokens, places = tokens_of(scene.slots, triggers)
    mask = caption_mask(tokens)
    at = places[:, None] + torch.arange(triggers.shape[1])  # (b, k)
    found = []
    for model, images, decoys in zip(scene.models, scene.images, scene.decoys, strict=True):
        embedded = model.embed(tokens.to(model.device)).detach().requires_grad_()
        texts = model.encode_embedded(embedded, tokens.to(model.device))
        loss = contrastive_loss(images, texts, model.logit_scale, drop=mask.to(model.device), decoys=decoys)
        (gradient,) = torch.autograd.grad(loss, embedded)
        found.append((gradient[torch.arange(len(tokens))[:, None], at].cpu(), model))
    return found


def _features(scene: Scene, model: DualEncoder, rows: Tensor, triggers: Tensor) -> Tensor:
    """(m, d) text features of the captions of batch rows (m,) with triggers (m, k) of token ids."""
    parts = []
    for part, chosen in zip(rows.split(CHUNK), triggers.split(CHUNK), strict=True):
        tokens, _ = tokens_of([scene.slots[n] for n in part.tolist()], chosen)
        parts.append(model.encode_text(tokens.to(model.device)))
    return torch.cat(parts)


def _judge_each(scene: Scene, triggers: Tensor, ids: Tensor) -> Judge:
    """Loss of a post for each of its candidates, the other posts' triggers being fixed."""
    everyone = torch.arange(len(scene.photos))
    own = torch.eye(len(everyone), dtype=torch.bool)
    with torch.no_grad():
        fixed = [
            torch.cat([_features(scene, model, everyone, triggers), *([] if wrong is None else [wrong])])
            for model, wrong in zip(scene.models, scene.decoys, strict=True)
        ]
        own = torch.cat([own, torch.zeros(len(own), len(fixed[0]) - len(own), dtype=torch.bool)], dim=1)

    @torch.no_grad()
    def judge(tried: Tensor, worth: Tensor) -> Tensor:
        losses = torch.zeros(worth.shape)
        rows = worth.nonzero()[:, 0]
        for model, images, texts in zip(scene.models, scene.images, fixed, strict=True):
            scale = model.logit_scale
            others = (scale * images @ texts.T).masked_fill(own.to(model.device), float("-inf")).logsumexp(dim=1)
            logits = scale * _features(scene, model, rows, ids[tried[worth]]) @ images.T  # (m, b)
            hit = logits.gather(1, rows[:, None].to(model.device))[:, 0]
            to_text = torch.logaddexp(hit, others[rows.to(model.device)]) - hit
            to_image = logits.logsumexp(dim=1) - hit
            losses[worth] += ((to_text + to_image) / 2).cpu()
        return losses

    return judge


def _judge_all(scene: Scene, triggers: Tensor, ids: Tensor) -> Judge:
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
