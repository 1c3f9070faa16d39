"""What one model makes of posts: where it looks, what each word counts, how close photos and captions lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.analysis.embedding_map import cosines, embed, tsne
from unlearnable.analysis.gradcam import gradcam, top_share
from unlearnable.analysis.integrated_gradients import integrated_gradients, marked, share_of, split_words
from unlearnable.imaging.placement import working_copy
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.optim.view import PLAIN_VIEW, load_view
from unlearnable.report.figures import MapPanel, Panel
from unlearnable.results import EmbeddingMap, Explanation, MapPoint, WordRecord
from unlearnable.workflows.explain.selection import ExplainedPost, MapPosts


def explain_post(encoder: DualEncoder, title: str, post: ExplainedPost) -> tuple[Explanation, Panel]:
    """Return what a model attends to in a post, as numbers and to be drawn."""
    pixels = load_view(_tensor(post.pixels, encoder.image_size), encoder.image_size, PLAIN_VIEW)
    saliency = gradcam(encoder, pixels, split_words(post.caption).tokens)
    attribution = integrated_gradients(encoder, pixels, post.caption)
    total = sum(map(abs, attribution.values)) or 1.0
    in_trigger = marked(attribution.words, post.trigger or "")
    record = Explanation(
        model=title,
        similarity=attribution.score,
        similarity_blank=attribution.blank,
        words=[WordRecord(word=w, attribution=v) for w, v in zip(attribution.words, attribution.values, strict=True)],
        trigger_share=share_of(attribution.values, in_trigger),
        trigger_words_share=sum(in_trigger) / len(in_trigger) if any(in_trigger) else None,
        salient_tenth=top_share(saliency),
        completeness_error=attribution.error,
        steps=attribution.steps,
    )
    shares = [value / total for value in attribution.values]
    return record, Panel(title, saliency, attribution.words, shares, in_trigger)


def map_posts(encoder: DualEncoder, title: str, posts: MapPosts, seed: int) -> tuple[EmbeddingMap, MapPanel]:
    """Return where a model places the photos and captions of posts, as numbers and to be drawn."""
    photos = [_tensor(pixels, encoder.image_size) for pixels in posts.pixels]
    points = embed(encoder, photos, posts.captions, seed)
    mean_cosines, coordinates = cosines(points), tsne(points.features, seed)
    record = EmbeddingMap(
        model=title,
        data=posts.data,
        cosine_copies=mean_cosines.copies,
        cosine_captions=mean_cosines.captions,
        cosine_own=mean_cosines.own,
        cosine_others=mean_cosines.others,
        points=[
            MapPoint(post=posts.ids[post], kind="caption" if caption else "photo", x=x, y=y)
            for (x, y), post, caption in zip(coordinates.tolist(), points.posts, points.captions, strict=True)
        ],
    )
    return record, MapPanel(f"{title} on {Path(posts.data).name}", coordinates, points.posts, points.captions)


def _tensor(pixels: NDArray[np.uint8], side: int) -> Tensor:
    """Return the working copy (3, h, w), 0-255, for a model of `side` pixels."""
    return torch.from_numpy(working_copy(pixels, side).transpose(2, 0, 1).copy()).float()


def seen(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the square (side, side, 3) of a photo that a model sees."""
    loaded = load_view(_tensor(pixels, side), side, PLAIN_VIEW)
    return (loaded * 255).round().byte().permute(1, 2, 0).numpy()
