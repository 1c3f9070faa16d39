"""`explain` (what models attend to in a post, how close they place posts) and `preview` (photo, copy and noise).

The map is Fig. 6 of the paper: van der Maaten and Hinton, *Visualizing Data using t-SNE* (JMLR 2008). A t-SNE shows
which points are neighbours but distorts distances, so the cosines are reported with it.
"""

import math
import random
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.explain import attribution
from unlearnable.explain.figures import KINDS, Panel, draw_attention, draw_map
from unlearnable.imaging.picture import as_copied, is_reduced, working_copy
from unlearnable.imaging.visibility import compare
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fetch, load as load_model
from unlearnable.models.tokens import tokenizer
from unlearnable.protect.layout import METADATA
from unlearnable.protect.records import read_manifest
from unlearnable.report import EmbeddingMap, ExplainReport, Explanation, MapPoint, PreviewReport, made_by
from unlearnable.report.pictures import sheet
from unlearnable.settings import ExplainSettings
from unlearnable.storage import files, folders
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import PLAIN_VIEW, load_view, open_collection, read_photo, sample_view
from unlearnable.wording import counted

ATTENTION, MAP, REPORT = "attention", "map", "explain.json"
WRITTEN = frozenset({REPORT, *(f"{stem}.{kind}" for stem in (ATTENTION, MAP) for kind in KINDS)})
SHOWN = 320  # side of the photo in the figure, in pixels
MAP_POSTS = 8  # more are hard to tell apart by colour
MAP_CAPTIONS = 5  # most captions of a post on the map, and copies of its photo
SMALLEST_CROP = 0.8
PERPLEXITY = 10.0


class ExplainedPost(NamedTuple):
    """A photo (h, w, 3) with a caption and the trigger in it, if there is one."""

    pixels: NDArray[np.uint8]
    caption: str
    trigger: str | None


class MapPosts(NamedTuple):
    """Photos (h, w, 3) with their ids and captions; `data` is the folder or caption file that they come from."""

    data: str
    ids: list[str]
    pixels: list[NDArray[np.uint8]]
    captions: list[list[str]]


def explain(settings: ExplainSettings, *, overwrite: bool = False, progress: Progress | None = None) -> ExplainReport:
    """Draw what the models of the settings attend to, and write the figures and `explain.json`.

    Raises:
        ConfigError: there is nothing to explain, no caption is known, or the output lies among what is read.
        InputError: the photo cannot be read, or the data sets do not hold the same posts.
        ModelError: a model is not available, or its photo encoder is of an unknown kind.
        OutputError: the folder exists already, would be published or cannot be written.
    """
    started, progress = time.monotonic(), progress or Silent()
    if settings.photo is None and not settings.map:
        raise ConfigError("there is nothing to explain", hint="pass a photo, or posts with `map`")
    post = read_post(settings.photo, settings.caption, settings.trigger) if settings.photo else None
    refuse_output(settings, overwrite=overwrite)
    device, map_posts = choose_device(settings.device), read_map_posts(settings)
    panels, maps = [], []
    fetch(settings.model, progress)
    progress.phase("explaining", len(settings.model))
    for number, name in enumerate(settings.model):
        encoder, title = load_model(name).to(device), Path(name).stem if Path(name).is_file() else name
        if post is not None:
            panels.append(explain_post(encoder, title, post))
        if map_posts:
            maps.append(place_posts(encoder, title, map_posts[min(number, len(map_posts) - 1)], settings.seed))
        progress.advance()
    folder = settings.output
    for name in WRITTEN:  # of an earlier run
        (folder / name).unlink(missing_ok=True)
    written = draw_attention(_seen(post.pixels, SHOWN), panels, folder / ATTENTION) if post else []
    written += draw_map(maps, folder / MAP) if maps else []
    report = ExplainReport(
        output=str(folder),
        photo=str(settings.photo) if settings.photo else None,
        caption=post.caption if post else None,
        trigger=post.trigger if post else None,
        explanations=[panel.record for panel in panels],
        maps=maps,
        files=[path.name for path in written],
        seed=settings.seed,
        device=device,
        made_by=made_by(),
        seconds=round(time.monotonic() - started, 1),
    )
    files.write_text(folder / REPORT, report.model_dump_json(indent=2) + "\n")
    return report


def read_post(photo: Path, caption: str | None, trigger: str | None) -> ExplainedPost:
    """Return the post of a photo; of one that `protect` wrote, the manifest has the caption and trigger."""
    pixels = read_photo(photo).pixels
    for folder in folders.published_above(photo):
        name = photo.resolve().relative_to(folder).as_posix()
        for line in read_manifest(folders.private_of(folder) / folders.MANIFEST):
            if line.output == name:
                caption = caption if caption is not None else next(iter(line.captions), None)
                trigger = trigger if trigger is not None else line.trigger
    if not tokenizer().clean_fn(caption or "").split():
        raise ConfigError(f"no caption of {photo} is known", hint="pass one with `caption`")
    return ExplainedPost(pixels, caption or "", trigger or None)


def read_map_posts(settings: ExplainSettings) -> list[MapPosts]:
    """Draw the posts for the map by the seed from the first data set, and take the same from each other one."""
    if settings.map and len(settings.map) not in (1, len(settings.model)):
        raise ConfigError(
            f"{counted(len(settings.map), 'folder')} for the map, {counted(len(settings.model), 'model')}",
            hint="pass `map` once, or once for each `model`",
        )
    chosen: list[MapPosts] = []
    drawn: list[str] = []  # names of the photos without their suffix, which a copy may have changed
    for place in settings.map:
        metadata = place / METADATA  # a folder that `protect` wrote holds two caption files: this one has all captions
        captions = place if place.is_file() else metadata if metadata.is_file() else None
        dataset = open_collection(place.parent if place.is_file() else place, captions)
        texts = dataset.captions_by_photo()
        photos = {str(PurePosixPath(one.id).with_suffix("")): one for one in dataset.photos if texts[one.id]}
        if not drawn:
            if len(photos) < 2:
                raise InputError(f"{place} holds fewer than two photos with captions")
            drawn = sorted(random.Random(settings.seed).sample(sorted(photos), min(MAP_POSTS, len(photos))))
        if missing := [name for name in drawn if name not in photos]:
            raise InputError(f"{place} has no post {missing[0]}", hint="choose folders that hold the same posts")
        own = [photos[name] for name in drawn]
        pixels, captions_of = (
            [read_photo(one.path).pixels for one in own],
            [texts[one.id][:MAP_CAPTIONS] for one in own],
        )
        chosen.append(MapPosts(str(place), drawn, pixels, captions_of))
    return chosen


def refuse_output(settings: ExplainSettings, *, overwrite: bool) -> None:
    """Refuse a folder that is read or published, or holds anything; with `overwrite`, anything but such a result."""
    folder = settings.output
    folders.refuse_among(folder, *(place.parent if place.is_file() else place for place in settings.map))
    folders.refuse_published(folder / REPORT)
    if settings.photo and settings.photo.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{settings.photo} lies in the output", hint="choose another `output`")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if names and not overwrite:
        raise files.exists_already(folder)
    if not names <= WRITTEN:
        raise OutputError(f"{folder} holds files that explain did not write", hint="choose another `output`")
    files.check_writable(folder, files.ELSEWHERE)


def explain_post(encoder: DualEncoder, title: str, post: ExplainedPost) -> Panel:
    """Return what a model attends to in a post."""
    pixels = load_view(_working_copy(post.pixels, encoder.image_size), encoder.image_size, PLAIN_VIEW)
    heat = attribution.gradcam(encoder, pixels, attribution.split_words(post.caption)[-1])
    words, similarity, blank = attribution.integrated_gradients(encoder, pixels, post.caption)
    in_trigger = attribution.mark_words([word.word for word in words], post.trigger or "")
    record = Explanation(
        model=title,
        similarity=similarity,
        similarity_blank=blank,
        words=words,
        trigger_share=attribution.share_of([word.attribution for word in words], in_trigger),
        trigger_words_share=sum(in_trigger) / len(in_trigger) if any(in_trigger) else None,
    )
    return Panel(record, heat, in_trigger)


def place_posts(encoder: DualEncoder, title: str, posts: MapPosts, seed: int) -> EmbeddingMap:
    """Return where a model places the photos and captions of posts."""
    from sklearn.manifold import TSNE

    photos = [_working_copy(pixels, encoder.image_size) for pixels in posts.pixels]
    features, numbers, captions = embed(encoder, photos, posts.captions, seed)
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    tsne = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed)
    places = tsne.fit_transform(features).tolist()
    points = [
        MapPoint(post=posts.ids[number], kind="caption" if caption else "photo", x=x, y=y)
        for (x, y), number, caption in zip(places, numbers, captions, strict=True)
    ]
    cosines = mean_cosines(features, np.array(numbers), np.array(captions))
    return EmbeddingMap(model=title, data=posts.data, points=points, **cosines)


@torch.no_grad()
def embed(
    encoder: DualEncoder, photos: Sequence[Tensor], captions: Sequence[Sequence[str]], seed: int
) -> tuple[NDArray[np.float32], list[int], list[bool]]:
    """Return the features (n, d) of posts, the number of the post of each, and whether it is of a caption.

    There are as many copies of each photo (3, h, w), 0-255, as it has captions: one plain, the others cropped and
    flipped.
    """
    generator = torch.Generator().manual_seed(seed)
    features: list[Tensor] = []
    numbers: list[int] = []
    kinds: list[bool] = []
    for number, (photo, texts) in enumerate(zip(photos, captions, strict=True)):
        views = [PLAIN_VIEW, *(sample_view(generator, SMALLEST_CROP) for _ in texts[1:])]
        copies = torch.stack([load_view(photo, encoder.image_size, view) for view in views]).to(encoder.device)
        tokens = tokenizer()(list(texts)).to(encoder.device)
        features += [encoder.encode_image(copies), encoder.encode_text(encoder.trim(tokens))]
        numbers += [number] * 2 * len(texts)
        kinds += [False] * len(texts) + [True] * len(texts)
    return torch.cat(features).float().cpu().numpy(), numbers, kinds


def mean_cosines(
    features: NDArray[np.float32], numbers: NDArray[np.int64], captions: NDArray[np.bool_]
) -> dict[str, float | None]:
    """Return the mean cosines of points as `EmbeddingMap` names them; None where there is no such pair."""
    cosines, own = features @ features.T, numbers[:, None] == numbers
    kinds = captions[:, None].astype(int) + captions  # in each pair: 0, 1 or 2 captions
    distinct = ~np.eye(len(numbers), dtype=bool)
    pairs = {
        "cosine_copies": own & (kinds == 0) & distinct,
        "cosine_captions": own & (kinds == 2) & distinct,
        "cosine_own": own & (kinds == 1),
        "cosine_others": ~own & (kinds == 1),
    }
    return {name: float(cosines[chosen].mean()) if chosen.any() else None for name, chosen in pairs.items()}


def _working_copy(pixels: NDArray[np.uint8], side: int) -> Tensor:
    """Return the working copy (3, h, w), 0-255, for a model of `side` pixels."""
    return torch.from_numpy(working_copy(pixels, side).transpose(2, 0, 1).copy()).float()


def _seen(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the square (side, side, 3) of a photo that a model sees."""
    loaded = load_view(_working_copy(pixels, side), side, PLAIN_VIEW)
    return (loaded * 255).round().byte().permute(1, 2, 0).numpy()


def preview(photo: Path, protected: Path, output: Path | None = None, *, overwrite: bool = False) -> PreviewReport:
    """Write one PNG with the photo, its protected copy and the noise ten times stronger.

    Without `output` it is `STEM-preview.png` in the current folder.

    Raises:
        ConfigError: the file to write does not end in .png.
        InputError: a photo cannot be read, or the copy has no size that the photo is reduced to.
        OutputError: the file exists already, is one of the two photos, would be published or cannot be written.
    """
    target = output or Path(f"{protected.stem}-preview.png")
    if any(target.exists() and one.exists() and target.samefile(one) for one in (photo, protected)):
        raise OutputError(f"{target} is one of the photos to compare", hint="choose another `output`")
    if target.suffix.lower() != ".png":
        raise ConfigError(f"{target}: the picture is a PNG", hint="choose an `output` that ends in .png")
    if target.exists() and not overwrite:
        raise files.exists_already(target)
    folders.refuse_published(target)
    before, after = read_photo(photo), read_photo(protected)
    if not is_reduced(before, after):
        raise InputError(
            f"the sizes differ: {photo} is {before.width} x {before.height}, "
            f"{protected} is {after.width} x {after.height}",
            hint="pass a photo and its own protected copy",
        )
    before = as_copied(before, after)
    with files.atomic(target) as temporary:
        sheet(before, after).save(temporary, "PNG", optimize=True)
    quality = compare(before.pixels, after.pixels)
    psnr = round(quality.psnr, 3) if math.isfinite(quality.psnr) else None
    return PreviewReport(output=str(target), linf=quality.linf, psnr=psnr, ssim=round(quality.ssim, 5))
