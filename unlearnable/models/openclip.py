"""Load surrogates and victims by name: a bundled one, any open_clip model and tag, or a checkpoint on disk.

A checkpoint is a file of weights, or a folder in open_clip's own layout (open_clip_config.json
and weights) or in that of transformers' `CLIPModel` (config.json and weights). A file written by
`save` names its architecture; any other needs it as a prefix: `RN50:weights.pt`. `fresh` builds the
same architectures with random weights, for training from scratch; `fetch` downloads what is not here.
"""

from __future__ import annotations

import io
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from unlearnable.errors import ModelError, UnlearnableError
from unlearnable.models import bundled
from unlearnable.models.bundled import ARCHITECTURES, HALF, START, cached
from unlearnable.models.device import quiet, reason_of, seeded
from unlearnable.models.dual_encoder import DualEncoder, EncoderSpec, build, image_side, weights_sha256
from unlearnable.models.header import (
    OPEN_CLIP_CONFIG,
    TRANSFORMERS_CONFIG,
    check_folder,
    is_like_clip,
    read_header,
    unlike_clip,
)
from unlearnable.registry import did_you_mean
from unlearnable.storage import checksums, files
from unlearnable.storage.progress import Progress
from unlearnable.wording import pasted

HEADER = "unlearnable"  # under which a file of weights holds what `save` notes
OFFLINE = f"works offline: {', '.join(bundled.NAMES)} (bundled), or a checkpoint on disk"
PATIENCE = 4.0  # seconds for the source of a download to answer
_LISTED_BY = "unlearnable list models"
_SUFFIXES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".safetensors"})  # of files of weights
_ON_THE_HUB = re.compile(r"[\w-]+/[\w.-]+")
_MEGABYTE = 1_000_000


def load(name: str) -> DualEncoder:
    """Load the model of that name, on the CPU and in evaluation mode.

    Args:
        name: a bundled model, `ARCHITECTURE:TAG` (`RN50:openai`), `ARCHITECTURE:FILE`, a file written by `save`, or
            a folder.

    Raises:
        ModelError: the model does not exist, its weights cannot be fetched or do not fit, or some are not finite.
    """
    encoder = bundled.load(name) if name in bundled.NAMES else _load_other(name)
    damaged = next((key for key, value in encoder.module.state_dict().items() if not value.isfinite().all()), None)
    if damaged is not None:
        raise ModelError(f"{name}: its weights are damaged ({damaged} holds NaN or infinity)", hint=OFFLINE)
    encoder.module.eval()
    return encoder


def files_of(name: str) -> Iterator[Path]:
    """Yield the files of a model that is given by its path, alone or behind its architecture; none of any other."""
    for path in (Path(name), Path(name.partition(":")[2] or "/")):
        if path.is_file():
            yield path
        elif any((path / config).is_file() for config in (OPEN_CLIP_CONFIG, TRANSFORMERS_CONFIG)):
            yield from sorted(filter(Path.is_file, path.iterdir()))


def fresh(architecture: str, seed: int) -> DualEncoder:
    """Build a model with random weights, of a small architecture of this package or any of open_clip's.

    Raises:
        ModelError: there is no such architecture, or its text encoder is not like CLIP's.
    """
    import open_clip

    if not is_architecture(architecture):
        names = [*ARCHITECTURES, *open_clip.list_models()]
        raise ModelError(f"there is no architecture {architecture!r}", hint=did_you_mean(architecture, names))
    with seeded(seed):
        if architecture not in ARCHITECTURES:
            return _create(architecture, None, architecture, random=True)
        encoder = build(architecture, ARCHITECTURES[architecture], HALF, HALF)
        return bundled.copy_photo_encoder(encoder) if architecture == START else encoder


def restart(encoder: DualEncoder, seed: int) -> DualEncoder:
    """Build a model of the same architecture with random weights."""
    spec = encoder.spec
    if spec.name == START:
        return fresh(START, seed)
    with seeded(seed):
        return build(spec.name, spec.config, spec.mean, spec.std)


def is_architecture(name: str) -> bool:
    """Return whether `name` is an architecture alone, without weights."""
    import open_clip

    return name in ARCHITECTURES or name in open_clip.list_models()


def save(encoder: DualEncoder, path: Path) -> None:
    """Write weights, their checksum and the configuration to one safetensors file, which `load` reads by its path."""
    from safetensors.torch import save as serialised

    spec = encoder.spec
    state = {name: value.contiguous() for name, value in encoder.module.state_dict().items()}
    header = {"config": spec.config, "mean": spec.mean, "std": spec.std, "sha256": weights_sha256(state)}
    with files.atomic(path) as temporary:
        # `save_file` would write under a name of its own, which a kill leaves for ever
        temporary.write_bytes(serialised(state, metadata={HEADER: checksums.seal_json(header)}))


def _load_other(name: str) -> DualEncoder:
    path = Path(name)
    if path.is_dir():
        if (path / TRANSFORMERS_CONFIG).is_file() and not (path / OPEN_CLIP_CONFIG).exists():
            from unlearnable.models import hugging_face

            return hugging_face.load(path)
        check_folder(path)
        return _create(f"local-dir:{name}", None, name)
    if path.is_file():
        return _load_file(path)
    if name in ARCHITECTURES:
        return _load_cached(name)
    return _load_by_tag(name)


def _load_by_tag(name: str) -> DualEncoder:
    """Load `ARCHITECTURE:TAG` or `ARCHITECTURE:FILE`."""
    import open_clip

    architecture, _, tag = name.partition(":")
    architectures = open_clip.list_models()
    if architecture not in architectures:
        spelt = architecture.partition("@")[0].replace("/", "-")  # OpenAI's own names: ViT-B/32, ViT-L/14@336px
        _refuse_missing(Path(name), "/" in architecture and spelt not in architectures)
        names = [*bundled.NAMES, *ARCHITECTURES, *architectures]
        hint = f"{did_you_mean(architecture, names, _LISTED_BY)} ({OFFLINE})"
        raise ModelError(f"there is no model {name!r}", hint=hint)
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tag:
        hint = f"tags: {', '.join(tags[:6]) or 'none'} ({OFFLINE})"
        raise ModelError(f"{name} names no weights: write {architecture}:TAG", hint=hint)
    if not Path(tag).is_file() and tag not in tags:
        _refuse_missing(Path(tag), "/" in tag)
        raise ModelError(f"{architecture} has no weights called {tag!r}", hint=f"{did_you_mean(tag, tags)} ({OFFLINE})")
    return _create(architecture, tag, name)


def _refuse_missing(path: Path, in_folder: bool) -> None:
    """Refuse a path where nothing is: one that is `in_folder`, an address, or ends as files of weights do.

    Raises:
        ModelError: there is no such file.
    """
    is_weights = path.suffix.lower() in _SUFFIXES
    if path.exists() or not (in_folder or is_weights or files.is_address(path)):
        return
    missing, named = files.missing(path), f"{_LISTED_BY} lists those that have a name"
    if not (is_weights or path.parent.exists()) and _ON_THE_HUB.fullmatch(path.as_posix()):
        named += f"; hf download {path.as_posix()} --local-dir FOLDER fetches one of the Hugging Face hub"
    raise ModelError(missing.message, hint=f"{missing.hint} ({named})")


def _load_cached(name: str) -> DualEncoder:
    path = cached(name)
    if not path.is_file():
        hint = f"unlearnable train --data DIR --model {name} --output {pasted(path)} ({OFFLINE})"
        raise ModelError(f"{name} has not been trained on this machine yet", hint=hint)
    encoder = _load_file(path)
    if encoder.spec.config != ARCHITECTURES[name]:
        raise ModelError(f"{path} holds another architecture than {name}", hint="train it again")
    return encoder


def _load_file(path: Path) -> DualEncoder:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(HEADER)
    except (SafetensorError, OSError) as error:
        if path.suffix == ".safetensors":
            raise ModelError(f"{path} is damaged: it is no whole file of weights", hint="fetch it again") from error
        header = None
    if header is None:
        beside = (path.parent / TRANSFORMERS_CONFIG).is_file()  # of transformers, which has the architecture there
        hint = f"give its folder, {path.parent}" if beside else f"write it in front, as in {pasted(f'RN50:{path}')}"
        raise ModelError(f"{path} does not name its architecture", hint=hint)
    fields = read_header(header, path)
    try:
        encoder = build(path.stem, fields["config"], tuple(fields["mean"]), tuple(fields["std"]))
        state = load_file(path)
    except Exception as error:  # open_clip, timm and safetensors each raise their own kinds
        message = f"{path}: no model can be built from it ({reason_of(error)})"
        raise ModelError(message, hint="train it again") from error
    if fields.get("sha256") not in (None, weights_sha256(state)):  # files of earlier versions have none
        raise ModelError(f"{path} is damaged: its weights do not match its checksum", hint="train it again")
    try:
        encoder.module.load_state_dict(state)
    except RuntimeError as error:
        hint = str(error).splitlines()[0]
        raise ModelError(f"{path}: its weights do not fit its configuration", hint=hint) from error
    return encoder


def _create(architecture: str, weights: str | None, name: str, *, random: bool = False) -> DualEncoder:
    import open_clip

    try:
        config = open_clip.get_model_config(architecture)
        if config and not architecture.startswith("local-dir:") and not is_like_clip(config):
            raise unlike_clip(name)
        # open_clip only warns if OpenAI's weights are loaded into an architecture without their QuickGELU
        wants = bool(weights and (open_clip.get_pretrained_cfg(architecture, weights) or {}).get("quick_gelu"))
        if wants:
            config["quick_gelu"] = True
        with quiet():
            module = open_clip.create_model(
                architecture, weights, require_pretrained=not random, force_quick_gelu=wants
            )
    except ModelError:
        raise
    except Exception as error:  # the hub, torch and open_clip each raise their own kinds
        if weights and Path(weights).is_file() and not isinstance(error, OSError):
            raise _unfit(architecture, weights, error) from error
        raise ModelError(f"{name}: its weights could not be loaded ({reason_of(error)})", hint=OFFLINE) from error
    prep = open_clip.get_model_preprocess_cfg(module)
    spec = EncoderSpec(name, image_side(prep["size"]), tuple(prep["mean"]), tuple(prep["std"]), config)
    return DualEncoder(module, spec)


def _unfit(architecture: str, file: str, error: Exception) -> ModelError:
    """Return the error for a file whose weights open_clip could not load into an architecture."""
    if "loading state_dict" in str(error):
        hint = f"write the architecture that they are of in front, as in {pasted(f'ViT-B-32:{file}')}"
        return ModelError(f"{file}: its weights do not fit {architecture}", hint=hint)
    hint = f"give a whole file of weights of {architecture}, or fetch it again ({OFFLINE})"
    return ModelError(f"{file} holds no weights that can be read ({type(error).__name__})", hint=hint)


def fetch(names: Sequence[str], progress: Progress) -> None:
    """Download each model that is not on this machine, with a note; the progress counts megabytes.

    Raises:
        ModelError: it is none that this program can use, its source cannot be reached, or the download fails.
    """
    import open_clip

    for name in names:
        source = to_download(name)
        if source is None:
            continue
        if not is_like_clip(open_clip.get_model_config(name.partition(":")[0])):
            raise unlike_clip(name)
        if not _reachable(source):
            reason = f"they are not on this machine, and {source} does not answer"
            raise ModelError(f"{name}: its weights could not be loaded ({reason})", hint=OFFLINE)
        progress.note(f"{name} is not on this machine: it is downloaded from {source} first")
        try:
            _download(name, progress)
        except UnlearnableError:
            raise
        except Exception as error:  # the hub, its client and open_clip each raise their own kinds
            if full := files.full_disk(error):
                raise full from error
            message = f"{name}: its weights could not be downloaded ({reason_of(error)})"
            raise ModelError(message, hint=OFFLINE) from error


def to_download(name: str) -> str | None:
    """Return the address that a model would be downloaded from; None if it is here already, or nobody publishes it."""
    architecture, _, tag = name.partition(":")
    if not tag or name in (*bundled.NAMES, *ARCHITECTURES) or Path(name).exists() or Path(tag).exists():
        return None
    import open_clip
    from huggingface_hub import constants

    config = open_clip.get_pretrained_cfg(architecture, tag)
    if not config or constants.HF_HUB_OFFLINE:  # open_clip reports at once what is wrong
        return None
    if hub := config.get("hf_hub"):
        repository = "--".join(["models", *hub.strip("/").split("/")[:2]])
        weights = (Path(constants.HF_HUB_CACHE) / repository / "snapshots").glob("*/*")
        return None if any(path.suffix in (".bin", ".pt", ".safetensors") for path in weights) else constants.ENDPOINT
    url = config.get("url")
    return None if not url or (Path("~/.cache/clip").expanduser() / Path(url).name).is_file() else str(url)


def _reachable(address: str) -> bool:
    """Return whether anything answers at an address within `PATIENCE`; a proxy of the environment is used."""
    answered = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(address, method="HEAD")
            urllib.request.urlopen(request, timeout=PATIENCE).close()
        except urllib.error.HTTPError:
            pass  # an answer all the same
        except Exception:  # no network, no such host, an address that is none
            return
        answered.set()

    asking = threading.Thread(target=ask, daemon=True)  # looking a name up may take longer than its time limit
    asking.start()
    asking.join(PATIENCE)
    return answered.is_set()


def _download(name: str, progress: Progress) -> None:
    import open_clip
    from open_clip import pretrained

    architecture, _, tag = name.partition(":")
    with quiet(), _shown_by(pretrained, _bar_for(name, progress)):
        pretrained.download_pretrained(open_clip.get_pretrained_cfg(architecture, tag))


@contextmanager
def _shown_by(pretrained: Any, bar: type) -> Iterator[None]:
    """Let open_clip show its downloads, from the hub or elsewhere, by this kind of bar."""
    before = pretrained.hf_hub_download, pretrained.tqdm
    pretrained.hf_hub_download, pretrained.tqdm = partial(before[0], tqdm_class=bar), bar
    try:
        yield
    finally:
        pretrained.hf_hub_download, pretrained.tqdm = before


def _bar_for(name: str, progress: Progress) -> type:
    """Return a class of tqdm's bars that draws nothing, and counts megabytes in a phase of the progress instead."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        monitor_interval = 0  # no thread that redraws

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "file": io.StringIO()})
            self._counted = 0
            if (self.total or 0) >= _MEGABYTE:
                progress.phase(f"downloading {name} (MB)", int(self.total // _MEGABYTE))

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            while (self.total or 0) >= _MEGABYTE and self._counted < self.n // _MEGABYTE:
                self._counted += 1
                progress.advance()
            return None

        def display(self, *_: Any, **__: Any) -> bool:
            return False

        def update_transfer(self, n: float) -> None:  # the hub's second bar, for what is not yet on the disk
            pass

        def set_transfer_postfix_str(self, *_: Any, **__: Any) -> None:
            pass

    return Bar
