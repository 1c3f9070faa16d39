"""Models that have to be downloaded: whether one is on this machine, and whether its source can be reached."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from unlearnable.errors import ModelError
from unlearnable.models import bundled
from unlearnable.models.architectures import ARCHITECTURES
from unlearnable.models.openclip import OFFLINE
from unlearnable.progress import Progress

PATIENCE = 4.0  # seconds for the source to answer


def announce(names: Sequence[str], progress: Progress) -> None:
    """Say of each model that is not on this machine that it will be downloaded.

    Raises:
        ModelError: its source cannot be reached.
    """
    for name in names:
        source = to_download(name)
        if source is None:
            continue
        if not reachable(source):
            raise ModelError(
                f"{name}: its weights could not be loaded (they are not on this machine, and {source} does not answer)",
                hint=OFFLINE,
            )
        progress.note(f"{name} is not on this machine: it is downloaded from {source} first")


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
