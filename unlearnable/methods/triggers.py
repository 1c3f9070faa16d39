"""Triggers: the words they may hold, the search for better ones (Eq. 6), and captions with them."""

import hashlib
import random
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unlearnable.errors import ConfigError
from unlearnable.methods.base import AnySession, Problem, Resemblance
from unlearnable.methods.steps import caption_mask, decoy_tokens, views
from unlearnable.models.dual_encoder import DualEncoder, computing, encode_photos, encode_texts
from unlearnable.models.tokens import CONTEXT, END, WORDS, CaptionSlot, Vocabulary, cut, default_vocabulary, tokenizer
from unlearnable.settings import Hyperparameters, Precision
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.training.data import PLAIN_VIEW, Pixels, load_view, tokens_of
from unlearnable.training.distributed import ALONE, World
from unlearnable.training.loop import contrastive_loss
from unlearnable.wording import counted

COMPARING = "comparing words with photos"
BATCH, CHUNK = 64, 512  # photos, texts
FEWEST, A_PLACE = 50, 5  # words of one's own: fewer, or fewer for each place, leave too few different triggers
MOST = 64  # tokens of a trigger, so that the caption has some of the 77, too


@torch.no_grad()
def resemblance(
    pixels: Pixels,
    surrogates: Sequence[DualEncoder],
    witness: DualEncoder | None,
    vocabulary: Vocabulary,
    precision: Precision,
    progress: Progress,
    world: World = ALONE,
) -> Resemblance:
    """Measure how close clean photos are to the words of the vocabulary.

    `progress` receives a step for each photo and model; processes of the world share photos and words.
    """
    models = [*surrogates, *([] if witness is None else [witness])]
    progress.phase(COMPARING, len(pixels) * len(models))
    photos = []
    for model in models:
        model.module.eval()
        parts = []
        for numbers in torch.arange(len(pixels)).split(BATCH):
            own = numbers[world.share(len(numbers))].tolist()
            loaded = torch.stack([load_view(pixels[n], model.image_size, PLAIN_VIEW) for n in own])
            features = encode_photos(model, loaded, precision)
            parts.append(world.gather(features)[: len(numbers)].cpu())
            progress.advance(len(numbers))
        photos.append(torch.cat(parts))
    words = text_features(models, vocabulary.glosses, precision, world)
    count = len(surrogates)
    second = None if witness is None else (photos[count], words[count])
    return Resemblance(tuple(photos[:count]), words[:count], second)


@torch.no_grad()
def text_features(
    models: Sequence[DualEncoder], texts: Sequence[str], precision: Precision, world: World = ALONE
) -> tuple[Tensor, ...]:
    """Return the features (m, d) of texts, one tensor a model."""
    start, end = tokenizer().sot_token_id, tokenizer().eot_token_id
    lines = [[start, *tokenizer().encode(text)[: CONTEXT - 2], end] for text in texts]
    longest = max(map(len, lines))
    rows = torch.tensor([line + [0] * (longest - len(line)) for line in lines])
    features = []
    for model in models:
        parts = []
        for some in rows.split(CHUNK):
            own = encode_texts(model, some[world.share(len(some))], precision)
            parts.append(world.gather(own)[: len(some)].cpu())
        features.append(torch.cat(parts))
    return tuple(features)


def load_words(settings: Hyperparameters) -> Vocabulary:
    """Load the vocabulary: the file of the settings, or else the table.

    Raises:
        ConfigError: the file cannot be read, has too few words, or one that no model would read as it stands.
    """
    if settings.words is None:
        return default_vocabulary()
    one = tokenizer().encode("a")
    distinct: dict[tuple[int, ...], tuple[int, str]] = {}  # by what a model reads
    for number, phrase in _lines(settings.words):
        tokens = tokenizer().encode(phrase)
        if not tokens or max(tokens) >= END - 1 or tokenizer().encode(f"a {phrase} a") != [*one, *tokens, *one]:
            fault = "a model would not read it as it stands"
            raise ConfigError(f"{settings.words}, line {number}: {fault}", hint="write a plain word or phrase")
        distinct.setdefault(tuple(tokens), (number, phrase))
    lines = list(distinct.values())
    wanted = max(FEWEST, A_PLACE * settings.trigger_length)
    if len(lines) < wanted:
        few = f"{settings.words} has {counted(len(lines), 'different word')}"
        raise ConfigError(f"{few}, too few for triggers", hint=f"give at least {wanted}, one a line")
    vocabulary = Vocabulary({"": [phrase for _, phrase in lines]})
    if vocabulary.longest * settings.trigger_length > MOST:
        number, _ = max(zip((n for n, _ in lines), vocabulary.tokens(""), strict=True), key=lambda one: len(one[1]))
        raise ConfigError(f"{settings.words}, line {number}: the phrase is too long", hint="write shorter phrases")
    return vocabulary


def words_digest(settings: Hyperparameters) -> str:
    """Return the SHA-256 of the words that a run chooses from.

    Raises:
        ConfigError: the file of the settings cannot be read.
    """
    if settings.words is None:
        return hashlib.sha256(WORDS.read_bytes()).hexdigest()
    return hashlib.sha256("\n".join(phrase for _, phrase in _lines(settings.words)).encode()).hexdigest()


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file of words that hold any, with their numbers; white space around them is left out."""
    try:
        with files.open_regular(path) as file:
            text = unicodedata.normalize("NFC", file.read().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="give a file of UTF-8 text") from error
    lines = enumerate((" ".join(line.split()) for line in text.splitlines()), 1)
    return [(number, line) for number, line in lines if line]


LAST_WORD = 10**6
Slots = tuple[tuple[CaptionSlot, ...], ...]


@dataclass(frozen=True)
class Captions:
    """The captions of photos with their triggers."""

    slots: Slots  # captions of each photo, cut where its trigger was optimised
    triggers: Sequence[Sequence[int]]  # concepts of each photo's trigger; empty for methods without a trigger
    vocabulary: Vocabulary

    def shown(self, count: int) -> list[str]:
        """Return the triggers of the first photos, each in the language of its first caption."""
        pairs = zip(self.triggers, self.slots, strict=False)
        return [self.vocabulary.trigger(words, slots[0].language).text for words, slots in pairs][:count]

    def of(self, photo: int, clean: Sequence[str]) -> list[str]:
        """Return a photo's captions with their trigger; the clean ones for methods without a trigger."""
        if not self.triggers:
            return list(clean)
        return [slot.text(self.vocabulary.trigger(self.triggers[photo], slot.language)) for slot in self.slots[photo]]


def cut_captions(
    captions: Iterable[Iterable[str]],
    settings: Hyperparameters,
    length: int,
    seed: int,
    languages: Sequence[Sequence[str]] | None = None,
) -> Slots:
    """Cut every caption at the position of its trigger of at most `length` tokens; None as languages is English.

    Random positions are drawn in the order of the captions: later photos do not affect the captions of earlier ones.
    """
    dice = random.Random(seed)

    def position(caption: str) -> int:
        if settings.trigger_position == "random":
            return dice.randint(0, len(caption.split()))
        return 0 if settings.trigger_position == "start" else LAST_WORD

    texts = [list(of_photo) for of_photo in captions]
    spoken = languages or [[""] * len(post) for post in texts]
    return tuple(
        tuple(cut(text, position(text), length, language) for text, language in zip(post, own, strict=True))
        for post, own in zip(texts, spoken, strict=True)
    )


CANDIDATES = 4  # words tried at each place: on 160 photos the loss fell as far as with 16, and less far with 1
TriggerLoss = Callable[[Tensor, Tensor], Tensor]  # of triggers (b, n, k), where a mask (b, n) asks for it: (b, n)


def draw_triggers(problem: Problem, settings: Hyperparameters, generator: torch.Generator) -> Tensor:
    """Return (n, k) random concepts, different in a trigger, of those that each post may use."""
    count = len(problem.posts)
    return problem.led(torch.stack([_draw(problem.allowed(n), settings, generator) for n in range(count)]))


def redraw_trigger(session: AnySession, settings: Hyperparameters, photo: int) -> Tensor:
    """Return (k,) other random concepts for the trigger of a post: none that it has now."""
    allowed = allowed_words(session.problem, photo)
    allowed[session.state.triggers[photo]] = False
    return _draw(allowed, settings, session.state.generator)


def allowed_words(problem: Problem, photo: int) -> Tensor:
    """Return (v,) bool: the concepts that the trigger of a post may hold, which other posts may share with it."""
    return problem.allowed(problem.leaders[photo] if problem.leaders else photo)


def _draw(allowed: Tensor, settings: Hyperparameters, generator: torch.Generator) -> Tensor:
    """Return (k,) concepts of those that are allowed (v,).

    Raises:
        ConfigError: these are fewer than a trigger has.
    """
    if int(allowed.sum()) < settings.trigger_length:
        message = "captions and photos leave too few words for a trigger"
        raise ConfigError(message, hint="give more words with `words`")
    return torch.multinomial(allowed.float(), settings.trigger_length, generator=generator)


@dataclass(frozen=True)
class _Scene:
    """A batch as the search sees it: features are computed once and serve every candidate."""

    photos: list[int]
    slots: list[CaptionSlot]
    models: list[DualEncoder]
    images: list[Tensor]  # one (b, d) a surrogate
    decoys: list[Tensor | None]  # one (m, d) a surrogate
    precision: Precision


def improve_triggers(session: AnySession, photos: list[int]) -> int:
    """Search better triggers for a batch of photos and return how many posts got another one.

    All at once, beside the triggers that the others have had so far. Each process searches for its share of the batch,
    and all of them get the triggers of all.
    """
    problem, state, precision = session.problem, session.state, session.settings.precision
    world, vocabulary, images = problem.world, problem.vocabulary, []
    with torch.no_grad():
        for model in state.models:
            features = encode_photos(model, views(session, photos, model.image_size), precision)
            images.append(world.gather(features)[: len(photos)])
        slots = problem.posts.choose(photos, state.generator)
        wrong = decoy_tokens(session, slots)
        decoys = [None if wrong is None else encode_texts(model, wrong, precision) for model in state.models]
    scene = _Scene(photos, slots, state.models, images, decoys, precision)
    triggers, rows = state.triggers[photos], torch.tensor(world.share(len(photos)))
    allowed = torch.stack([problem.allowed(photos[n]) for n in rows.tolist()])
    fall, texts = _fall(scene, vocabulary, triggers, rows, world)
    judge = _judge(scene, vocabulary, texts, rows)
    own = greedy_search(triggers[rows], candidates(fall, allowed, CANDIDATES), judge)
    after = torch.cat(world.exchange(own))[: len(photos)]
    state.triggers[photos] = after
    state.triggers = problem.led(state.triggers)
    return int((after != triggers).any(dim=1).sum())


def candidates(fall: Tensor, allowed: Tensor, count: int) -> Tensor:
    """Return (b, k, count) the allowed words with the largest fall (b, k, v) of the loss, best first.

    Allowed (b, v) are those that each post may use; fewer are returned if some post may use fewer.
    """
    most = min(count, int(allowed.sum(dim=1).min()))
    return fall.masked_fill(~allowed[:, None, :], float("-inf")).topk(most, dim=-1).indices


def greedy_search(current: Tensor, options: Tensor, loss_of: TriggerLoss) -> Tensor:
    """Return better triggers (b, k): position by position the word with which the loss is lowest.

    A word that stands there already competes too, so that the loss never rises, and no word comes twice in a trigger.
    Current triggers are (b, k), and the words to try at each position (b, k, c).
    """
    best, rows = current, torch.arange(len(current))
    losses = loss_of(best[:, None], torch.ones(len(best), 1, dtype=torch.bool))  # (b, 1)
    for position in range(current.shape[1]):
        tried = options[:, position]  # (b, c)
        fresh = best[:, None].repeat(1, tried.shape[1], 1)  # (b, c, k)
        new = (fresh != tried[..., None]).all(dim=-1)
        if not new.any():
            continue
        fresh[..., position] = tried
        scores = loss_of(fresh, new).masked_fill(~new, float("inf"))
        losses, chosen = torch.cat([losses, scores], dim=1).min(dim=1, keepdim=True)
        best = torch.cat([best[:, None], fresh], dim=1)[rows, chosen[:, 0]]
    return best


def _fall(
    scene: _Scene, vocabulary: Vocabulary, triggers: Tensor, rows: Tensor, world: World
) -> tuple[Tensor, list[Tensor]]:
    """Return the first-order fall of the loss for each concept at each place of the triggers of `rows` (HotFlip).

    Replacing embedding e by e' changes the loss by (e' - e) . g; the term in e is the same for all words and left out.
    A word of several tokens counts as the mean of its embeddings, in the place of the mean of those that stand there.

    Triggers (b, k) are those of the batch, and `rows` (r,) those that this process searches for. Falls (r, k, v) are
    summed over the surrogates; the text features (b, d) of each come with them.
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
            encoded = model.encode_embedded(embedded, own).float()
        features.append(world.gather(encoded.detach())[: len(tokens)])
        texts = features[-1].index_put((rows.to(model.device),), encoded)
        loss = contrastive_loss(images, texts, model.logit_scale, drop=mask.to(model.device), decoys=decoys)
        (gradient,) = torch.autograd.grad(loss, embedded)
        at_words = shares @ gradient.cpu()  # (r, k, w)
        tables = {one: vocabulary.table(one, model.token_table.cpu()) for one in set(languages)}
        falls.append(torch.stack([-(at @ tables[one].T) for at, one in zip(at_words, languages, strict=True)]))
    return torch.stack(falls).sum(dim=0), features


def _judge(scene: _Scene, vocabulary: Vocabulary, texts: list[Tensor], rows: Tensor) -> TriggerLoss:
    """Return the loss of each of the posts `rows` for its candidates, the texts (b, d) of the others being fixed."""
    own = torch.eye(len(scene.photos), dtype=torch.bool)
    fixed = [now if wrong is None else torch.cat([now, wrong]) for now, wrong in zip(texts, scene.decoys, strict=True)]
    own = torch.cat([own, torch.zeros(len(own), len(fixed[0]) - len(own), dtype=torch.bool)], dim=1)

    @torch.no_grad()
    def judge(tried: Tensor, asked: Tensor) -> Tensor:
        losses = torch.zeros(asked.shape)
        posts = rows[asked.nonzero()[:, 0]]
        for model, images, texts in zip(scene.models, scene.images, fixed, strict=True):
            scale, here = model.logit_scale, posts.to(model.device)
            others = (scale * images @ texts.T).masked_fill(own.to(model.device), float("-inf")).logsumexp(dim=1)
            logits = scale * _features(scene, vocabulary, model, posts, tried[asked]) @ images.T  # (m, b)
            hit = logits.gather(1, here[:, None])[:, 0]
            to_text = torch.logaddexp(hit, others[here]) - hit
            to_image = logits.logsumexp(dim=1) - hit
            losses[asked] += ((to_text + to_image) / 2).cpu()
        return losses

    return judge


def _features(scene: _Scene, vocabulary: Vocabulary, model: DualEncoder, rows: Tensor, triggers: Tensor) -> Tensor:
    """Return (m, d) text features of the captions of batch rows (m,) with triggers (m, k) of concepts."""
    parts = []
    for part, chosen in zip(rows.split(CHUNK), triggers.split(CHUNK), strict=True):
        slots = [scene.slots[n] for n in part.tolist()]
        parts.append(encode_texts(model, tokens_of(slots, vocabulary.spell(slots, chosen))[0], scene.precision))
    return torch.cat(parts)
