"""Set up a protection run: decode photos, cut captions, load surrogates and build the `Problem`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlearnable import config
from unlearnable.config import PRESETS, MEMSettings, MethodSettings, ProtectionSettings, ProtectSettings
from unlearnable.datasets import Dataset, Pair
from unlearnable.disk import checksums
from unlearnable.disk.folders import MANIFEST, private_of, published_above
from unlearnable.errors import CheckpointError, ConfigError
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, settings_for
from unlearnable.methods.problem import Problem
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import files_of, load
from unlearnable.posts.pixels import Pixels, Posts
from unlearnable.posts.shared import leaders_of
from unlearnable.progress.reporting import Progress
from unlearnable.protection.optimise import OptimisationTask
from unlearnable.protection.towers import load_towers
from unlearnable.protection.vocabulary import avoided_words, load_words
from unlearnable.workflows import history
from unlearnable.workflows.output.layout import METADATA, Layout
from unlearnable.workflows.output.names import OutputNames
from unlearnable.workflows.output.records import read_manifest
from unlearnable.workflows.protect.opening.stored import whole
from unlearnable.workflows.protect.preparing.reading import (
    Caption,
    PhotoReader,
    Prepared,
    read_captions,
    read_photos,
    ties_of,
)
from unlearnable.workflows.protect.preparing.resaved import MadeCopies

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
    def work(self) -> str:
        """The hash of what is to be computed: settings, posts, and which of the photos can be protected."""
        parts = [self.key, *(photo.id for photo in self.prepared.photos)]
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """Return the run key: a hash of settings, avoided words, data and model files, to which checkpoints are bound."""
    avoided = " ".join(sorted(avoided_words(settings)))
    parts = [config.digest(whole(settings)), dataset.fingerprint, avoided, *_model_files(settings)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _model_files(settings: ProtectSettings) -> Iterator[str]:
    """Yield the hex SHA-256 of each file of a model that is given by its path."""
    return (checksums.sha256(path) for name in all_models(settings) for path in files_of(name))


def load_surrogates(settings: ProtectionSettings, progress: Progress) -> list[DualEncoder]:
    """Load the surrogates onto the device of the settings; a download is said.

    Raises:
        ModelError: one is not available.
    """
    progress.phase("loading models", len(settings.surrogate))
    surrogates = []
    for name in settings.surrogate:
        surrogates.append(load(name).to(choose_device(settings.device)))
        progress.advance()
    return surrogates


def all_models(settings: ProtectionSettings) -> list[str]:
    """Return the names of all models that a run of these settings loads."""
    misleads = issubclass(METHODS[settings.method].Settings, MEMSettings) and settings.adversarial_weight
    return [*settings.surrogate, *(settings.towers if misleads else ())]


def method_of(settings: ProtectionSettings) -> tuple[Method, MethodSettings]:
    """Return the method that the settings name, and its own settings.

    Raises:
        ConfigError: it has no such option, or a value does not fit.
    """
    method = METHODS[settings.method]()
    return method, settings_for(method, settings, settings.options)


def _unused(settings: ProtectSettings, method: Method) -> list[str]:
    """Return the names of settings of `mem` that are not as the preset has them and that the method does not have."""
    fields, preset = MEMSettings.model_fields, PRESETS[settings.preset]
    foreign = [name for name in fields if name not in method.Settings.model_fields]
    return [name for name in foreign if getattr(settings, name) != preset.get(name, fields[name].default)]


def _refuse_names(settings: ProtectSettings, method: Method) -> None:
    asked = {
        "--borrow-names": settings.borrow_names,
        "--initials": settings.initials,
        "--disguise-names": settings.disguise_names,
    }
    for option in (name for name, given in asked.items() if given and not method.has_trigger):
        raise ConfigError(f"{settings.method} leaves captions as they are", hint=f"use mem, or omit {option}")


def _known_hashes(dataset: Dataset, layout: Layout, progress: Progress) -> set[str]:
    """Return the SHA-256 of copies: by the history, which may be on another computer, and by records beside folders."""
    found, root = history.known_protected_hashes(progress.note), dataset.root
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
    settings: ProtectSettings,
    layout: Layout,
    dataset: Dataset,
    surrogates: list[DualEncoder],
    scratch: Path,
    progress: Progress,
    taken: Iterable[str] = (),
) -> Run:
    """Decode the photos and build the `Problem`; working copies go to `scratch`, which the caller removes.

    No copy gets a name of `taken`.

    Raises:
        ConfigError: an option, the words to avoid or the device do not fit.
        InputError: no photo can be used; or, with `strict`, one cannot.
    """
    method, method_settings = method_of(settings)
    _refuse_names(settings, method)
    if unused := _unused(settings, method):
        progress.note(f"{settings.method} has no {', '.join(unused)}: what is set there changes nothing")
    vocabulary, proposer = load_words(settings, choose_device(settings.device), proposing=method.has_trigger)
    pixels = Pixels.create(scratch / PIXELS)
    side = max(model.image_size for model in surrogates)
    ids = (photo.id for photo in dataset.photos)
    names = OutputNames(ids, dataset.captions_file, taken, packed=bool(dataset.shards))
    copies = MadeCopies(history.known_copies(progress.note))
    hashes = _known_hashes(dataset, layout, progress)
    reader = PhotoReader(settings, side, pixels, hashes, copies, names, layout.staged)
    prepared = read_photos(dataset, reader, progress)
    captions = read_captions(dataset, settings, settings.trigger_length if method.has_trigger else 0)
    posts = [captions[photo.id] for photo in prepared.photos]
    problem = Problem(
        posts=Posts(pixels, tuple(tuple(caption.slot for caption in post) for post in posts)),
        grids=tuple(one.grid for one in prepared.ready),
        captions=tuple(tuple(caption.pair.caption for caption in post) for post in posts),
        surrogates=tuple(surrogates),
        vocabulary=vocabulary,
        proposer=proposer,
        seed=settings.seed,
        leaders=leaders_of(ties_of(posts, [one.checksum for one in prepared.ready])),
        equal=prepared.equal,
        borrow_names=settings.borrow_names,
        noise_path=layout.noise,
        towers=load_towers(method_settings, settings.surrogate, choose_device(settings.device)),
    )
    return Run(
        settings,
        layout,
        dataset,
        prepared,
        captions,
        problem,
        method,
        method_settings,
        run_key(settings, dataset),
        scratch,
    )
