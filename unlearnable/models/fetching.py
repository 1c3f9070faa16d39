"""Models that have to be downloaded: whether one is here, whether its source answers, and a bar for the download."""

from __future__ import annotations

import io
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
from unlearnable.models.bundled import ARCHITECTURES
from unlearnable.models.device import quiet, reason_of
from unlearnable.models.header import check_architecture
from unlearnable.models.openclip import OFFLINE
from unlearnable.storage import files
from unlearnable.storage.progress import Progress

PATIENCE = 4.0  # seconds for the source to answer
MEGABYTE = 1_000_000


def fetch(names: Sequence[str], progress: Progress) -> None:
    """Download each model that is not on this machine, which is said; the progress counts megabytes.

    Raises:
        ModelError: it is none that this program can use, its source cannot be reached, or the download fails.
    """
    for name in names:
        source = to_download(name)
        if source is None:
            continue
        _check(name)
        if not reachable(source):
            raise ModelError(
                f"{name}: its weights could not be loaded (they are not on this machine, and {source} does not answer)",
                hint=OFFLINE,
            )
        progress.note(f"{name} is not on this machine: it is downloaded from {source} first")
        try:
            _download(name, progress)
        except UnlearnableError:
            raise
        except Exception as error:  # the hub, its client and open_clip each raise their own kinds
            if full := files.full_disk(error):
                raise full from error
            said = f"{name}: its weights could not be downloaded ({reason_of(error)})"
            raise ModelError(said, hint=OFFLINE) from error


def _check(name: str) -> None:
    import open_clip

    check_architecture(open_clip.get_model_config(name.partition(":")[0]), name)


def to_download(name: str) -> str | None:
    """Return the address that a model would be downloaded from; None if it is here already, or nobody publishes it."""
    architecture, _, tag = name.partition(":")
    if not tag or name in (*bundled.NAMES, *ARCHITECTURES) or Path(name).exists() or Path(tag).exists():
        return None
    import open_clip
    from huggingface_hub import constants

    config = open_clip.get_pretrained_cfg(architecture, tag)
    if not config or constants.HF_HUB_OFFLINE:  # open_clip says at once what is wrong
        return None
    if hub := config.get("hf_hub"):
        repository = "--".join(["models", *hub.strip("/").split("/")[:2]])
        weights = (Path(constants.HF_HUB_CACHE) / repository / "snapshots").glob("*/*")
        return None if any(path.suffix in (".bin", ".pt", ".safetensors") for path in weights) else constants.ENDPOINT
    url = config.get("url")
    return None if not url or (Path("~/.cache/clip").expanduser() / Path(url).name).is_file() else str(url)


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
            self._said = 0
            if (self.total or 0) >= MEGABYTE:
                progress.phase(f"downloading {name} (MB)", int(self.total // MEGABYTE))

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            while (self.total or 0) >= MEGABYTE and self._said < self.n // MEGABYTE:
                self._said += 1
                progress.advance()
            return None

        def display(self, *_: Any, **__: Any) -> bool:
            return False

        def update_transfer(self, n: float) -> None:
            """Leave out the second bar that the hub has for what is received and not yet on the disk."""

        def set_transfer_postfix_str(self, *_: Any, **__: Any) -> None:
            """Show no speed."""

    return Bar


def reachable(address: str) -> bool:
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
