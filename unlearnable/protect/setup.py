"""What a run loads: the method that its settings name, the words of triggers, and models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from unlearnable.errors import CheckpointError, ConfigError
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, Problem, settings_for
from unlearnable.methods.optimise import OptimisationTask
from unlearnable.methods.proxies import load_proxies, load_witness
from unlearnable.methods.words import load_words
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fetch, load
from unlearnable.models.tokens import Vocabulary
from unlearnable.posts import Dataset, Pair
from unlearnable.protect.layout import METADATA, Layout, OutputNames
from unlearnable.protect.read import Caption, PhotoReader, Prepared, read_captions, read_photos, ties_of
from unlearnable.protect.records import all_models, read_manifest, run_key
from unlearnable.settings import MethodSettings, ProtectionSettings, ProtectSettings
from unlearnable.storage import files
from unlearnable.storage.folders import MANIFEST, private_of, published_above
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Posts, Ragged, leaders_of
from unlearnable.training.distributed import World

Settings = TypeVar("Settings", bound=ProtectionSettings)


@dataclass(frozen=True)
class Loaded(Generic[Settings]):
    """What is loaded once for any number of sets of posts.

    Attributes:
        settings: settings of the protection.
        method: the method that they name.
        own: its own settings.
        surrogates: models that the noise is made on.
        proxies: models whose features it shifts besides.
        vocabulary: words that triggers are made of.
        witness: second model that says which words describe a photo; None without triggers.
    """

    settings: Settings
    method: Method
    own: MethodSettings
    surrogates: tuple[DualEncoder, ...]
    proxies: tuple[DualEncoder, ...]
    vocabulary: Vocabulary
    witness: DualEncoder | None

    @property
    def trigger_tokens(self) -> int:
        """The most tokens that a trigger may have; 0 for methods without one."""
        return self.vocabulary.longest * self.settings.trigger_length if self.method.has_trigger else 0

    @property
    def side(self) -> int:
        """The image size of the surrogates, of several the largest, in pixels."""
        return max(model.image_size for model in self.surrogates)


def load_all(settings: Settings, progress: Progress) -> Loaded[Settings]:
    """Load what the settings name onto their device; a download is said.

    Raises:
        ConfigError: an option of the method, the words to avoid or the device do not fit.
        ModelError: a model is not available.
    """
    method, device = METHODS[settings.method](), choose_device(settings.device)
    own = settings_for(method, settings.of_method)
    vocabulary = load_words(own)
    fetch(all_models(settings), progress)
    progress.phase("loading models", len(settings.surrogate))
    surrogates = []
    for name in settings.surrogate:
        surrogates.append(load(name).to(device))
        progress.advance()
    proxies = load_proxies(own, settings.surrogate, device)
    witness = load_witness(settings.surrogate, proxies, device) if method.has_trigger else None
    return Loaded(settings, method, own, tuple(surrogates), proxies, vocabulary, witness)


PIXELS = "pixels.u8"  # working copies, in the scratch folder


@dataclass(frozen=True)
class Run:
    """A protection run that is ready to start.

    Attributes:
        settings: settings of the run.
        layout: folders of the run.
        dataset: posts as they were read.
        prepared: photos that can be protected.
        captions: captions of each photo, cut for their triggers.
        problem: posts and surrogates for the method.
        method: method that makes noise and triggers.
        method_settings: settings of the method.
        key: run key.
        scratch: folder for working copies, which the caller removes.
    """

    settings: ProtectSettings
    layout: Layout
    dataset: Dataset
    prepared: Prepared
    captions: dict[str, list[Caption]]
    problem: Problem
    method: Method
    method_settings: MethodSettings
    key: str
    scratch: Path

    @property
    def pairs(self) -> list[list[Pair]]:
        """The captions of each photo that can be protected, as they were read."""
        return [[caption.pair for caption in self.captions[photo.id]] for photo in self.prepared.photos]

    @property
    def task(self) -> OptimisationTask:
        """Its optimisation, which is saved in its folder."""
        return OptimisationTask(self.problem, self.method, self.method_settings, self.layout.checkpoint, self.key)

    @property
    def aside(self) -> Run:
        """The same with its noise in the scratch folder: nothing of it lies in the folders of a result."""
        return replace(self, problem=replace(self.problem, noise_path=self.scratch / "noise.i8"))

    def within(self, world: World) -> Run:
        """Return the same where these processes compute together."""
        return replace(self, problem=replace(self.problem, world=world))

    @property
    def work(self) -> str:
        """The hash of what is to be computed: settings, posts, and which of the photos can be protected."""
        parts = [self.key, *(photo.id for photo in self.prepared.photos)]
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def _refuse_names(settings: ProtectSettings, method: Method) -> None:
    if settings.names != "keep" and not method.has_trigger:
        raise ConfigError(f"{settings.method} leaves captions as they are", hint="use mem, or omit `names`")


def known_hashes(dataset: Dataset, layout: Layout, progress: Progress) -> set[str]:
    """Return the SHA-256 of copies by the records beside the folders of the photos, and of the output."""
    found, root = set[str](), dataset.root
    folders = {above for one in {photo.path.parent for photo in dataset.photos} for above in published_above(one / "_")}
    for folder in (*folders, layout.output):
        with suppress(OSError, CheckpointError):  # without or with damaged records
            found |= {line.sha256_out for line in read_manifest(private_of(folder) / MANIFEST) if line.sha256_out}
    is_like_ours = root.name.endswith("-protected") and (root / METADATA).is_file()
    if is_like_ours and not (private_of(root) / MANIFEST).is_file():
        said = f"{root} looks like a folder that protect wrote, without its private folder"
        progress.note(f"{said}: if it is one, give the originals")
    return found


def make_ready(
    loaded: Loaded[ProtectSettings],
    layout: Layout,
    dataset: Dataset,
    scratch: Path,
    progress: Progress,
    taken: Iterable[str] = (),
) -> Run:
    """Decode the photos and build the `Problem`; working copies go to `scratch`, which the caller removes.

    No copy gets a name of `taken`.

    Raises:
        ConfigError: names are to be written in another way by a method that leaves captions as they are.
        InputError: no photo can be used.
    """
    settings, method = loaded.settings, loaded.method
    _refuse_names(settings, method)
    given = ("trigger_length", "words")
    if not method.has_trigger and (unused := [name for name in given if name in settings.model_fields_set]):
        progress.note(f"{settings.method} has no {', '.join(unused)}: what is set there changes nothing")
    pixels = Pixels.create(scratch / PIXELS)
    ids = (photo.id for photo in dataset.photos)
    names = OutputNames(ids, dataset.captions_file, taken)
    hashes = known_hashes(dataset, layout, progress)
    reader = PhotoReader(settings, loaded.side, pixels, hashes, names, layout.staged)
    prepared = read_photos(dataset, reader, progress)
    captions = read_captions(dataset, settings, loaded.trigger_tokens)
    posts = [captions[photo.id] for photo in prepared.photos]
    problem = Problem(
        posts=Posts(pixels, tuple(tuple(caption.slot for caption in post) for post in posts)),
        grids=tuple(one.grid for one in prepared.ready),
        captions=tuple(tuple(caption.pair.caption for caption in post) for post in posts),
        surrogates=loaded.surrogates,
        vocabulary=loaded.vocabulary,
        seed=settings.seed,
        leaders=leaders_of(ties_of(posts, [one.checksum for one in prepared.ready])),
        equal=prepared.equal,
        noise_path=layout.noise,
        proxies=loaded.proxies,
        witness=loaded.witness,
    )
    key = run_key(settings, dataset)
    return Run(settings, layout, dataset, prepared, captions, problem, method, loaded.own, key, scratch)


def copies_bytes(prepared: Prepared) -> int:
    """Estimate the size of all copies: noise hardly compresses, a lossy file grows by a third of its source at most."""
    total = 0.0
    for one in prepared.ready:
        lossy = min(1.3 * files.size_of(one.photo.path), 0.5 * one.pixels)
        total += 2 * one.pixels if one.encoding.lossless else lossy
    return int(total)


def result_bytes(run: Run) -> int:
    """Estimate what a run writes at most at one time once its photos are read.

    These are copies, noise, checkpoints, and working copies of what is read back:
    of lossy files also of what was encoded.
    """
    reading_back = 1 if run.prepared.is_lossless else 2
    noise = Ragged([one.grid for one in run.prepared.ready]).size
    return copies_bytes(run.prepared) + noise + _checkpoints(run) + reading_back * _working_copies(run)


def _checkpoints(run: Run) -> int:
    """Two, as one is written before the last one goes: weights of what is trained and two moments of each.

    Moments of token embeddings are left out: those of words that occur are kept alone.
    """
    surrogates = run.problem.surrogates
    proxies = () if run.method_settings.ends_at_threshold else (*surrogates, *run.problem.proxies)
    total = 0
    for model in (*surrogates, *proxies):
        for name, weights in model.module.named_parameters():
            kept = 1 if name.endswith("token_embedding.weight") else 3
            total += kept * weights.numel() * weights.element_size()
    return 2 * total


def _working_copies(run: Run) -> int:
    return files.size_of(run.scratch / PIXELS)
