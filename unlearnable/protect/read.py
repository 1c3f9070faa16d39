"""Read what a run works on: models and words, photos as working copies, and captions cut for their triggers."""

import hashlib
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from unlearnable.errors import CheckpointError, ConfigError, InputError
from unlearnable.imaging.decode import DecodeError
from unlearnable.imaging.encode import Encoding
from unlearnable.imaging.looks import PLAIN, Look, Tint, in_look, looks_of, mean_tint
from unlearnable.imaging.opening import STOPPED
from unlearnable.imaging.picture import grid_shape
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, Problem, settings_for
from unlearnable.methods.optimise import OptimisationTask
from unlearnable.methods.proxies import load_proxies, load_witness
from unlearnable.methods.triggers import cut_captions, load_words, words_digest
from unlearnable.models.bundled import files_of
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot, Vocabulary
from unlearnable.posts import NO_RECORD, Dataset, Pair, Photo, Skipped
from unlearnable.posts.languages import languages_of
from unlearnable.posts.names import mentions, numbers_of_people, people_in, written
from unlearnable.protect.layout import Layout, OutputNames
from unlearnable.protect.photo import ReadJob, estimated_pixels, pool_for, read_one
from unlearnable.protect.records import read_manifest, whole
from unlearnable.settings import Hyperparameters, LookKind, ProtectionSettings, ProtectSettings, digest
from unlearnable.storage import files
from unlearnable.storage.folders import MANIFEST, private_of, published_above
from unlearnable.storage.pool import WorkerEnded
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels, Posts, Ragged, Shape, equal_photos, leaders_of
from unlearnable.training.distributed import World
from unlearnable.wording import storable

PIXELS = "pixels.u8"  # working copies, in the scratch folder
FEW = 16e6  # pixels in all photos that are read before workers have started
ALREADY = ("already-protected", "made by this tool; protect the original instead")
Settings = TypeVar("Settings", bound=ProtectionSettings)


@dataclass(frozen=True)
class Loaded(Generic[Settings]):
    """Method, models and words, loaded once for any number of sets of posts."""

    settings: Settings
    method: Method
    own: Hyperparameters  # the method's own settings
    surrogates: tuple[DualEncoder, ...]  # models that the noise is made on
    proxies: tuple[DualEncoder, ...]  # models whose features it shifts besides
    vocabulary: Vocabulary
    witness: DualEncoder | None  # second model that says which words describe a photo; None without triggers

    @property
    def trigger_tokens(self) -> int:
        """The most tokens that a trigger may have; 0 for methods without one."""
        return self.vocabulary.longest * self.own.trigger_length if self.method.has_trigger else 0

    @property
    def side(self) -> int:
        """The image size of the surrogates, of several the largest, in pixels."""
        return max(model.image_size for model in self.surrogates)

    def problem(
        self,
        pixels: Pixels,
        slots: Iterable[Sequence[CaptionSlot]],
        captions: Iterable[Sequence[str]],
        sizes: Iterable[Shape],
        contents: Sequence[Hashable],
        ties: Sequence[Sequence[Hashable]],
        noise_path: Path,
    ) -> Problem:
        """Return what the method works on.

        Equal `contents` (of the photos, as a checksum) get one noise, posts with a tie in common get one trigger.
        """
        return Problem(
            posts=Posts(pixels, tuple(map(tuple, slots))),
            grids=tuple(grid_shape(height, width, self.side) for height, width in sizes),
            captions=tuple(map(tuple, captions)),
            surrogates=self.surrogates,
            vocabulary=self.vocabulary,
            noise_path=noise_path,
            proxies=self.proxies,
            seed=self.settings.seed,
            leaders=leaders_of(ties),
            equal=equal_photos(contents),
            witness=self.witness,
        )


def load_all(settings: Settings, progress: Progress) -> Loaded[Settings]:
    """Load what the settings name onto their device; a download is shown."""
    from unlearnable.models.openclip import fetch, load

    method, device = METHODS[settings.method](), choose_device(settings.device)
    own = settings_for(method, settings.hyperparameters)
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


@dataclass(frozen=True)
class Caption:
    """A caption: its place in the caption file, and its text cut at the position of the trigger."""

    pair: Pair
    slot: CaptionSlot


@dataclass(frozen=True)
class ReadyPhoto:
    """A photo that can be protected."""

    photo: Photo
    number: int  # among the photos that the noise is made for
    checksum: str  # of the original
    name: str  # path of the copy in the output folder
    encoding: Encoding  # of the copy
    size: Shape  # (height, width) of the copy
    tint: Tint | None = None  # before its look
    person: int = 0  # whose look it has, by number; 0 where a post names nobody
    look: Look = PLAIN

    @property
    def pixels(self) -> int:
        """The number of pixels of its copy."""
        return math.prod(self.size)


@dataclass(frozen=True)
class Run:
    """A protection run that is ready to start."""

    loaded: Loaded[ProtectSettings]
    layout: Layout
    dataset: Dataset
    ready: Sequence[ReadyPhoto]  # in order
    skipped: Sequence[Skipped]  # photos and rows that are left out
    captions: dict[str, list[Caption]]  # of each photo
    problem: Problem
    key: str
    scratch: Path  # folder for working copies, which the caller removes
    middle: Tint  # which people's looks lie around; empty without looks

    @property
    def settings(self) -> ProtectSettings:
        """Its settings."""
        return self.loaded.settings

    @property
    def method(self) -> Method:
        """The method that makes noise and triggers."""
        return self.loaded.method

    @property
    def task(self) -> OptimisationTask:
        """Its optimisation, which is saved in its folder."""
        return OptimisationTask(self.problem, self.method, self.loaded.own, self.layout.checkpoint, self.key)

    @property
    def aside(self) -> "Run":
        """The same with its noise in the scratch folder: nothing of it lies in the folders of a result."""
        return replace(self, problem=replace(self.problem, noise_path=self.scratch / "noise.i8"))

    def within(self, world: World) -> "Run":
        """Return the same where these processes compute together."""
        return replace(self, problem=replace(self.problem, world=world))

    def without(self, left_out: Sequence[Skipped]) -> "Run":
        """Return the run without the photos that had to be left out since."""
        gone = {one.where for one in left_out}
        ready = [one for one in self.ready if one.photo.id not in gone]
        return replace(self, ready=ready, skipped=[*self.skipped, *left_out])

    @property
    def work(self) -> str:
        """The hash of what is to be computed: settings, posts, and which of the photos can be protected."""
        parts = [self.key, *(one.photo.id for one in self.ready)]
        return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()

    @property
    def bytes_needed(self) -> int:
        """About how much it writes at most: copies, noise, working copies, and two checkpoints.

        A checkpoint holds the weights of what is trained, and two moments of each.
        """
        copies = sum(estimated_bytes(one.photo, one.pixels, lossy=not one.encoding.lossless) for one in self.ready)
        noise, working = Ragged(self.problem.grids).size, files.size_of(self.scratch / PIXELS)
        proxies = () if self.loaded.own.ends_at_threshold else self.loaded.proxies
        trained = [weights for model in (*self.loaded.surrogates, *proxies) for weights in model.module.parameters()]
        return copies + noise + working + 2 * 3 * sum(one.numel() * one.element_size() for one in trained)


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """Return the run key: a hash of settings, words, data, and files of models that are given by their path."""
    models = (files.sha256(path) for name in all_models(settings) for path in files_of(name))
    parts = [digest(whole(settings)), dataset.fingerprint, words_digest(settings.hyperparameters), *models]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def all_models(settings: ProtectionSettings) -> list[str]:
    """Return the names of all models that a run of these settings loads."""
    return [*settings.surrogate, *settings_for(METHODS[settings.method], settings.hyperparameters).proxies]


def estimated_bytes(photo: Photo, pixels: int, *, lossy: bool) -> int:
    """Estimate the size of a copy: noise hardly compresses, a lossy file grows by a third of its source at most."""
    return int(min(1.3 * files.size_of(photo.path), 0.5 * pixels)) if lossy else 2 * pixels


def read(
    loaded: Loaded[ProtectSettings],
    layout: Layout,
    dataset: Dataset,
    scratch: Path,
    progress: Progress,
    taken: Iterable[str] = (),
    people: Mapping[str, int] | None = None,
    middle: Sequence[float] = (),
) -> Run:
    """Decode the photos, cut the captions, and return a run; working copies go to `scratch`, which the caller removes.

    No copy gets a name of `taken`. `people` says whose look each photo has, where not by `numbers_of_people`, and
    `middle` which tint looks lie around, where not around the photos' mean.
    """
    settings, method = loaded.settings, loaded.method
    if settings.names != "keep" and not method.has_trigger:
        raise ConfigError(f"{settings.method} leaves captions as they are", hint="use mem, or omit `names`")
    pixels = Pixels.create(scratch / PIXELS)
    names = OutputNames([photo.id for photo in dataset.photos], dataset.captions_file, taken)
    people = numbers_of_people(dataset.captions_by_photo()) if people is None else people
    ready, skipped = read_photos(dataset, people, loaded, layout, names, pixels, progress)
    if (kind := settings.hyperparameters.look) != "none":
        middle = middle or mean_tint([one.tint for one in ready])
        ready, pixels = with_looks(ready, pixels, kind, settings.seed, middle, scratch / f"look-{PIXELS}")
    captions = read_captions(dataset, settings, loaded.trigger_tokens)
    posts = [captions[one.photo.id] for one in ready]
    contents = [one.checksum for one in ready]
    problem = loaded.problem(
        pixels,
        slots=[[caption.slot for caption in post] for post in posts],
        captions=[[caption.pair.caption for caption in post] for post in posts],
        sizes=[one.size for one in ready],
        contents=contents,
        ties=ties_of(posts, contents),
        noise_path=layout.noise,
    )
    key = run_key(settings, dataset)
    return Run(loaded, layout, dataset, ready, skipped, captions, problem, key, scratch, tuple(middle))


def with_looks(
    ready: Sequence[ReadyPhoto], pixels: Pixels, kind: LookKind, seed: int, middle: Sequence[float], path: Path
) -> tuple[list[ReadyPhoto], Pixels]:
    """Return the photos with their looks, and their working copies in a new file."""
    people = [one.person for one in ready]
    looks = looks_of([one.tint for one in ready], people, kind, seed, middle)
    looked = Pixels.create(path)
    for number, look in enumerate(looks):
        looked.append(in_look(pixels[number].permute(1, 2, 0).byte().numpy(), look))
    return [replace(one, look=look) for one, look in zip(ready, looks, strict=True)], looked


def read_photos(
    dataset: Dataset,
    people: Mapping[str, int],
    loaded: Loaded[ProtectSettings],
    layout: Layout,
    names: OutputNames,
    pixels: Pixels,
    progress: Progress,
) -> tuple[list[ReadyPhoto], list[Skipped]]:
    """Read every photo, in workers if that takes long; those that cannot be protected are skipped."""
    ready, skipped, copies = list[ReadyPhoto](), list(dataset.skipped), known_copies(dataset, layout)
    progress.phase("reading photos", len(dataset.photos))
    faults = {photo.id: _fault(photo, dataset.root) for photo in dataset.photos}
    jobs = [
        ReadJob(photo, loaded.settings, loaded.side, estimated_pixels(photo.path))
        for photo in dataset.photos
        if faults[photo.id] is None
    ]
    with pool_for(read_one, [job.pixels for job in jobs], FEW) as pool:
        answers = pool.answers(jobs)
        for photo in dataset.photos:
            try:
                if (fault := faults[photo.id]) is not None:
                    raise fault
                one = next(answers).result()
                if one.checksum in copies:
                    raise DecodeError(*ALREADY)
                name = names.give(photo.id, one.encoding.suffix)
                if not files.can_exist(layout.staged / name):
                    raise DecodeError("bad-name", "the name of its copy would be too long; shorten it")
                whole = one.checksum, name, one.encoding, one.size, one.tint, people[photo.id]
                ready.append(ReadyPhoto(photo, len(pixels), *whole))
                pixels.append(one.copy)
            except DecodeError as error:
                skipped.append(Skipped(photo.id, error.reason, error.detail))
            except WorkerEnded:
                skipped.append(Skipped(photo.id, *STOPPED))
            progress.advance()
    if not ready:
        raise InputError(f"no photo in {dataset.root} can be protected; {skipped[0].line}")
    return ready, skipped


def _fault(photo: Photo, root: Path) -> DecodeError | None:
    """Return why a photo is not even read."""
    if not photo.path.resolve().is_relative_to(root.resolve()):
        return DecodeError("link", "a link that leads out of the folder of the photos")
    if storable(photo.id) != photo.id:
        return DecodeError("bad-name", "the name is not text in UTF-8, so no caption could name the copy; rename it")
    return None


def known_copies(dataset: Dataset, layout: Layout) -> set[str]:
    """Return the SHA-256 of copies by the records beside the folders of the photos, and of the output."""
    known = set[str]()
    folders = {above for one in {photo.path.parent for photo in dataset.photos} for above in published_above(one / "_")}
    for folder in (*folders, layout.output):
        with suppress(OSError, CheckpointError):  # without or with damaged records
            known |= {line.sha256_out for line in read_manifest(private_of(folder) / MANIFEST) if line.sha256_out}
    return known


def read_captions(dataset: Dataset, settings: ProtectSettings, length: int) -> dict[str, list[Caption]]:
    """Return the captions of each photo, in file order, names as initials, cut for triggers of `length` tokens."""
    pairs = dataset.pairs_by_photo()
    texts = [[pair.caption for pair in of_photo] for of_photo in pairs.values()]
    if settings.names == "initials":  # look-alike letters come last
        names = names_to_write(dataset, settings)
        texts = [[written(text, names, "initials") for text in post] for post in texts]
    slots = cut_captions(texts, settings.hyperparameters, length, settings.seed, languages_of(texts))
    return {
        photo: [Caption(pair, slot) for pair, slot in zip(of_photo, cuts, strict=True)]
        for (photo, of_photo), cuts in zip(pairs.items(), slots, strict=True)
    }


def ties_of(posts: Sequence[Sequence[Caption]], contents: Sequence[str]) -> list[list[Hashable]]:
    """Return what makes posts take one trigger: the places of their captions in the caption file, and their photo."""
    places = [[caption.pair for caption in post if caption.pair.record != NO_RECORD] for post in posts]
    return [
        [(content,), *((pair.record, pair.index) for pair in pairs)]
        for content, pairs in zip(contents, places, strict=True)
    ]


def names_to_write(dataset: Dataset, settings: ProtectSettings) -> Sequence[str]:
    """Return the names that captions are to write in the style of the settings: those given, or all of people."""
    if settings.names == "keep":
        return ()
    return settings.name or people_in([*dataset.captions_by_photo().values()])


def refuse_unmentioned(run: Run) -> None:
    """Refuse names that no caption mentions as a whole, as one that is misspelt would stay."""
    settings = run.settings
    if settings.name and settings.names == "keep":
        raise ConfigError("`name` changes nothing by itself", hint="add `names='initials'`, or `names='lookalike'`")
    texts = [pair.caption for pair in run.dataset.pairs]
    for name in settings.name:
        if not any(mentions(text, name) for text in texts):
            raise ConfigError(f"no caption mentions {name}", hint="write the name as the captions do")
