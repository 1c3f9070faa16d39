"""Proxy models, which have learnt the clean posts, and whose features the noise shifts.

A model trained on such photos associates what it sees in them with their captions, and so learns it under the wrong
words (Fowl et al., "Adversarial Examples Make Strong Poisons", NeurIPS 2021, with classes; here with groups of posts).
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from unlearnable.methods import steps
from unlearnable.methods.base import AnySession, Problem
from unlearnable.methods.steps import FeatureShift, in_order, settle
from unlearnable.models.bundled import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder, encode_photos, encode_texts
from unlearnable.models.tokens import words_of
from unlearnable.posts.names import posts_by_person, posts_of_one
from unlearnable.settings import Hyperparameters
from unlearnable.training.data import PLAIN_VIEW, load_view, tokens_of
from unlearnable.training.loop import adamw, rate, set_rate

APART = 0.7  # cosine distance between posts of two groups, on average
FEWEST, MOST = 8, 1024  # groups
LINKED = 4096  # posts that are compared with each other
AT_ONCE = 16  # groups that a group is to show together; half of the others at most
WIDTH = 512  # of the space that words have random directions in, at angles of about 90 degrees
RARITY = 3  # power of the inverse document frequency: a name counts, a turn of phrase does not
EPOCHS = 16  # of a proxy at most: a few posts are known by heart then
WITNESSES = ("resnet-small", "vit-small")


def group(features: Tensor) -> Tensor:
    """Return (n,) the group of each post, from 0 without gaps: of those whose normalised features (n, d) are close.

    By average linkage; of more posts than `LINKED` some are linked, evenly spaced, and the others join the nearest
    group.
    """
    count = len(features)
    if count < 2:
        return torch.zeros(count, dtype=torch.long)
    linked = torch.arange(0, count, -(-count // LINKED))
    points = features[linked].double().numpy()
    tree = linkage(points, "average", metric="cosine")
    found = fcluster(tree, APART, "distance")
    if found.max() < FEWEST:
        found = fcluster(tree, FEWEST, "maxclust")
    elif found.max() > MOST:
        found = fcluster(linkage(points, "ward"), MOST, "maxclust")  # groups of about the same size
    groups = torch.from_numpy(found).long() - 1
    labels: Tensor = (features @ centres_of(features[linked], groups).T).argmax(dim=1)
    labels[linked] = groups
    return labels


def centres_of(features: Tensor, labels: Tensor) -> Tensor:
    """Return the normalised mean (g, d) of each group's features (n, d)."""
    sums = torch.zeros(int(labels.max()) + 1, features.shape[1]).index_add(0, labels, features)
    return F.normalize(sums, dim=1)


def target_groups(centres: Tensor) -> Tensor:
    """Return the target groups (k, g) of each of several groups (g, d): as unlike as possible, each one used k times.

    Unlike, since noise this faint cannot hide coarse content: it has to contradict it. Several, since whom a single
    group happens to be would decide which models it works on.
    """
    left, rows = (centres @ centres.T).double().fill_diagonal_(torch.inf), []
    for _ in range(max(1, min(AT_ONCE, (len(centres) - 1) // 2))):
        rows.append(torch.from_numpy(linear_sum_assignment(left.numpy())[1]))
        left[torch.arange(len(left)), rows[-1]] = torch.inf
    return torch.stack(rows)


def group_shift(images: Tensor, texts: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    """Return (n, d) the direction that each photo's features are to move against.

    Away from what is there, the photo's own features and its group's captions, and towards what is not: photos and
    captions of the wanted groups (k, g), all of them together. Other models than the proxies see more of the former
    than of the latter. Labels (n,) are the group of each photo.
    """
    photos, captions = centres_of(images, labels), centres_of(texts, labels)
    return images + captions[labels] - (photos + captions)[wanted].mean(dim=0)[labels]


def person_shift(images: Tensor, texts: Tensor) -> Tensor:
    """Return (n, d) the direction that the features of one person's photos are to move against.

    Away from each photo's own features and from what all of the photos, and all of the captions, have in common: that
    person. Groups of these posts would have to show each other, and so the same person again.
    """
    return images + F.normalize(images.mean(dim=0), dim=0) + F.normalize(texts.mean(dim=0), dim=0)


def groups_of(captions: Sequence[Sequence[str]], photos: Tensor) -> Tensor:
    """Return (n,) the group of each post, from 0 without gaps: posts of the same people or things are one.

    Posts go by the name that most of the posts have of those in their captions; without one, and with that of the one
    whom more than half of all posts name, by what is alike in them. Of a few people no name is rare, and a turn of
    phrase is: by likeness alone these would be mixed. Of more than `MOST` groups the rarest names are not looked at.
    The photos (n, d) are normalised features.
    """
    labels = group(likeness(captions, photos))
    found = int(labels.max()) + 1
    named = sorted((posts for posts in posts_by_person(captions) if 2 * len(posts) <= len(captions)), key=len)
    for number, posts in enumerate(named[max(0, len(named) - MOST + found) :]):
        labels[posts] = found + number
    groups: Tensor = labels.unique(return_inverse=True)[1]
    return groups


def likeness(captions: Sequence[Sequence[str]], photos: Tensor) -> Tensor:
    """Return (n, d + WIDTH) normalised features, close together for posts that are of the same people or things.

    Half of them are the photos', half the words' that stand in more than one post.
    """
    texts = [words_of(" ".join(each)) for each in captions]
    posts = Counter(word for words in texts for word in words)
    shared = sorted(word for word, count in posts.items() if count > 1)
    weights = torch.tensor([math.log(len(texts) / posts[word]) ** RARITY for word in shared])
    directions = torch.randn(len(shared), WIDTH, generator=torch.Generator().manual_seed(0)) * weights[:, None]
    rows = {word: row for row, word in enumerate(shared)}
    summed = torch.stack(
        [directions[[rows[word] for word in sorted(words) if word in rows]].sum(dim=0) for words in texts]
    )
    return F.normalize(torch.cat([photos, F.normalize(summed, dim=1)], dim=1), dim=1)


def make_proxies(problem: Problem, settings: Hyperparameters) -> tuple[list[DualEncoder], list[torch.optim.Optimizer]]:
    """Return copies of the models that are to learn the clean posts, and their optimisers; none without a lesson."""
    if not proxy_steps(len(problem.posts), settings):
        return [], []
    models = [model.clone() for model in problem.models]
    return models, [adamw(each.module, tuning_rate(each.spec.config), settings.weight_decay) for each in models]


def proxy_steps(posts: int, settings: Hyperparameters) -> int:
    """Return how many steps proxies learn so many posts; none at weight 0, nor of one post, which has no other."""
    if not settings.proxy_weight or posts < 2:
        return 0
    return min(settings.proxy_tuning_steps, EPOCHS * -(-posts // settings.batch_size))


def tune(
    session: AnySession, models: Sequence[DualEncoder], optimisers: Sequence[torch.optim.Optimizer], done: int
) -> Iterator[int]:
    """Train the copies on the clean posts as a victim would be, before there is any noise; yield the steps done.

    The rate rises and falls as a victim's does: a constant rate leaves weights far from where they would settle, and
    noise that shifts their features shifts hardly any others.
    """
    count = len(session.problem.posts)
    without, total = torch.zeros(count, 0, dtype=torch.long), proxy_steps(count, session.settings)
    while models and done < total:
        learners = list(zip(models, optimisers, strict=True))
        for model, optimiser in learners:
            set_rate(optimiser, rate(done, total, tuning_rate(model.spec.config)))
        steps.train_step(session, learners, without)
        done += 1
        yield done


def feature_shifts(session: AnySession, models: Sequence[DualEncoder]) -> list[FeatureShift]:
    """Return the losses of tuned proxies; none where all posts are of one group.

    Posts of the same people or things are a group, which all proxies are to see as the same other groups: only photos
    that move together teach a name the wrong look. Where most of all posts name one person, these are to show
    nobody else, and nothing of what they have in common.
    """
    settle(models, session.settings.precision, damp=True)
    features = [_features(session, model) for model in models]
    if not features:
        return []
    labels = groups_of(session.problem.captions, features[0][0])
    if int(labels.max()) == 0:
        return []
    photos = F.normalize(torch.cat([images for images, _ in features], dim=1), dim=1)
    wanted = target_groups(centres_of(photos, labels))
    one, precision = posts_of_one(session.problem.captions), session.settings.precision
    losses = []
    for model, (images, texts) in zip(models, features, strict=True):
        shift = group_shift(images, texts, labels, wanted)
        if one:
            shift[one] = person_shift(images[one], texts[one])
        losses.append(FeatureShift(model, precision, shift))
    return losses


@torch.no_grad()
def _features(session: AnySession, model: DualEncoder) -> tuple[Tensor, Tensor]:
    """Return (n, d) features of the clean photos, loaded plainly, and of their first captions without a trigger."""
    posts, world, precision = session.problem.posts, session.problem.world, session.settings.precision
    images, texts = [], []
    for photos in in_order(len(posts), session.settings.batch_size):
        slots = [posts.slots[n][0] for n in photos]
        tokens, _ = tokens_of(slots)
        own = [photos[row] for row in world.share(len(photos))]
        pixels = torch.stack([load_view(posts.pixels[n], model.image_size, PLAIN_VIEW) for n in own])
        images.append(world.gather(encode_photos(model, pixels, precision))[: len(photos)].cpu())
        texts.append(encode_texts(model, tokens, precision).cpu())
    return torch.cat(images), torch.cat(texts)


def load_proxies(settings: Hyperparameters, surrogates: Sequence[str], device: str) -> tuple[DualEncoder, ...]:
    """Load the proxies of the settings, but for those that are surrogates; none where the noise shifts no features.

    Raises:
        ModelError: one is not available.
    """
    from unlearnable.models.openclip import load

    return tuple(load(name).to(device) for name in proxy_names(settings, surrogates))


def proxy_names(settings: Hyperparameters, surrogates: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the proxies that `load_proxies` loads."""
    if not settings.proxy_weight:
        return ()
    return tuple(name for name in settings.proxies if name not in surrogates)


def load_witness(surrogates: Sequence[str], proxies: Sequence[DualEncoder], device: str) -> DualEncoder:
    """Return the model that judges words beside the surrogates: the first proxy, or a bundled one of another family."""
    if proxies:
        return proxies[0]
    from unlearnable.models.openclip import load

    return load(next(name for name in WITNESSES if name not in surrogates)).to(device)
