"""What lies on the desk: posts that were received, looked at, and published; one piece of work at a time."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, get_args

from unlearnable.app.inbox import Inbox
from unlearnable.app.work import Watch, said
from unlearnable.errors import Interrupted, UnlearnableError
from unlearnable.posts import Dataset
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.settings import PlatformName, Preset, ProtectSettings, resolve_as
from unlearnable.storage.folders import MANIFEST, private_of

if TYPE_CHECKING:  # it brings torch, which the first page does without
    from unlearnable.protect.review import Review, ReviewedPost

OUTPUT = "posts-protected"
PRESETS: tuple[Preset, ...] = get_args(Preset)
PLATFORMS: tuple[PlatformName, ...] = get_args(PlatformName)


class Stage(Enum):
    """How far the posts are."""

    RECEIVED = 1
    REVIEWED = 2
    PUBLISHED = 3


class Desk:
    """The posts of one user, and the work on them.

    Args:
        scratch: an empty private folder, which the caller removes.
        given: settings of the runs; None means "not given".

    Attributes:
        stage: how far the posts are.
        version: number that changes with all that a page shows, but for how far the work is.
        watch: how far the work is; None where none is done.
        error: why the last work failed; empty where it did not.
        lost: why files that were dropped are not here, by their names, until the posts are made or removed.
        dataset: received posts; None before the first.
        captions: what was typed, by the id of the photo.
        notes: remarks on what was received.
        preset: amount of work.
        platform: where the photos will be posted, if it was said.
        epsilon: upper bound of the noise, in 1/255.
        names: how captions write names.
        name: names that this changes; empty for all.
        output: folder for the copies.
        review: what may be looked at and changed; None where nothing is.
        posts: posts of the review.
        wanted: triggers that were chosen but that the noise is not bound to yet, by the number of the post.
        typed: words that were typed and not taken yet, by the number of the post.
        report: what was published.
        copies: lines of the manifest of what was published.
    """

    def __init__(self, scratch: Path, given: Mapping[str, Any] | None = None) -> None:
        self._scratch, self._given = scratch, given or {}
        self._rounds = 0
        self.inbox = self._new_inbox()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="unlearnable")
        self._arrived: list[Path] = []
        self._looking = threading.Lock()
        self._last: Future[None] | None = None
        self._looks = self._closed = False
        self.version = self._seen = 0
        self._answers: SimpleQueue[dict[int, str] | None] = SimpleQueue()
        self.watch: Watch | None = None
        self._begin()
        settings = self._settings({})
        self.preset, self.platform = settings.preset, settings.platform
        self.epsilon = settings.epsilon
        self.names, self.name = settings.names, settings.name
        self.output = (settings.output or free_output(Path.cwd() / OUTPUT)).absolute()

    @property
    def state(self) -> tuple[int, bool]:
        """What a page compares to see whether it shows what there is."""
        return self.version, self.away

    @property
    def busy(self) -> bool:
        """Whether work is under way or waits for its turn."""
        return self._last is not None and not self._last.done()

    @property
    def looking(self) -> bool:
        """Whether the tool only looks at what came; the user need not wait, for more may come."""
        return self.busy and self._looks

    @property
    def late(self) -> bool:
        """Whether files came after the work began, which are not in it."""
        return bool(self._arrived) and not self.looking

    @property
    def away(self) -> bool:
        """Whether the user has to wait."""
        return self.busy and not self._looks and self.review is None

    @property
    def holds(self) -> bool:
        """Whether anything came, be it of use or not, that the user may remove."""
        return bool(self.lost) or any(self.inbox.folder.glob("*"))  # a folder that is gone holds nothing

    def arrived(self, path: Path) -> None:
        """Take a file that was put into the inbox, and look at all that is there, but not during a review."""
        if path.parent == self.inbox.folder:  # and not removed with all others while it arrived
            self.lost.pop(path.name, None)
            self._arrived.append(path)
            self._look_if_any()

    def failed(self, name: str, why: str) -> None:
        """Say that a file did not get into the inbox."""
        self.lost[name] = f"{name} was not taken: {why}"
        self.version += 1

    def write_as_initials(self, names: tuple[str, ...]) -> None:
        """Have captions write these names as initials; with none they stay."""
        self.names, self.name = ("initials" if names else "keep"), names

    def start(self) -> None:
        """Make noise and triggers, to be looked at before they are written."""
        self.lost.clear()
        self._do(self._make)

    def change(self) -> None:
        """Fit the noise to the triggers that were chosen."""
        self._answer(dict(self.wanted))

    def publish(self) -> None:
        """Write the posts."""
        self._answer({})

    def redraw(self, number: int) -> None:
        """Choose other words for a post."""
        assert self.review is not None
        self.wanted[number] = self.review.other_words(number)
        self.typed.pop(number, None)
        self.version += 1

    def write_trigger(self, number: int, words: str) -> None:
        """Choose the words of a post; those that it has already are no change.

        Raises:
            InputError: they are no trigger for it.
        """
        assert self.review is not None
        words = " ".join(words.split())
        if words == self.posts[number].trigger:
            self.wanted.pop(number, None)
        else:
            self.review.concepts_of(number, words)
            self.wanted[number] = words
        self.typed.pop(number, None)
        self.version += 1

    def take_typed(self) -> bool:
        """Choose all words that were typed and not taken yet; return whether the noise has to be made for others now.

        Raises:
            InputError: the first that are no trigger for their post.
        """
        for number, words in sorted(self.typed.items()):
            self.write_trigger(number, words)
        return bool(self.wanted)

    def stop(self) -> None:
        """Stop the work that is under way."""
        if self.watch is not None:
            self.watch.stop()

    def back(self) -> None:
        """Give the review up and return to the captions."""
        self._answer(None)
        self.stage, self.version = Stage.RECEIVED, self.version + 1
        self._look_if_any()

    def restart(self) -> None:
        """Forget all posts; what was published stays where it is."""
        self.stop()
        self._answer(None)
        self._arrived, left = [], self.inbox.folder
        self.inbox = self._new_inbox()
        self._thread.submit(shutil.rmtree, left, ignore_errors=True)  # behind what is still done with it
        self._begin()
        self.output = free_output(self.output)

    def close(self) -> None:
        """Break the work off, and wait until nothing is done any more."""
        self._closed = True
        self._answers.put(None)
        if self.watch is not None:
            self.watch.break_off()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def original(self, number: int) -> Path | None:
        """Return the file of a received photo."""
        photos = self.dataset.photos if self.dataset else ()
        return photos[number].path if 0 <= number < len(photos) else None

    def look(self, number: int) -> tuple[Path, Path] | None:
        """Return a post's photo as its copy would be encoded, without noise and with it."""
        if self.review is None or not 0 <= number < len(self.posts):
            return None
        with self._looking:
            folder = self._folder(f"look-{self._seen}")
            made = sorted(folder.glob(f"{number}-*"), key=lambda path: "after" in path.name)
            return (made[0], made[1]) if len(made) == 2 else self.review.write_photo(number, folder)

    def _begin(self) -> None:
        self.stage, self.error = Stage.RECEIVED, ""
        self.lost: dict[str, str] = {}
        self.notes: list[str] = []
        self.dataset: Dataset | None = None
        self.captions: dict[str, str] = {}
        self._end_review()
        self.report: ProtectReport | None = None
        self.copies: list[ManifestLine] = []
        self.version += 1

    def _settings(self, chosen: Mapping[str, Any]) -> ProtectSettings:
        return resolve_as(ProtectSettings, {"photos": (self.inbox.folder,), **self._given, **chosen})

    def _new_inbox(self) -> Inbox:
        self._rounds += 1
        return Inbox(self._folder(f"inbox-{self._rounds}"))

    def _folder(self, name: str) -> Path:
        folder = self._scratch / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _end_review(self) -> None:
        self.review: Review | None = None
        self.posts: list[ReviewedPost] = []
        self.wanted: dict[int, str] = {}
        self.typed: dict[int, str] = {}

    def _answer(self, triggers: dict[int, str] | None) -> None:
        """Answer the review: with other triggers, none, or None to give it up; a second press changes nothing."""
        if self.review is not None:
            self._end_review()
            self._answers.put(triggers)
            self.error, self.version = "", self.version + 1

    def _ask(self, review: Review) -> dict[int, str]:
        """Let the user look at the posts, and return what they answer; called by the work, which waits."""
        if self._closed or self.watch is None or self.watch.stopped:
            raise Interrupted("stopped")
        self._seen += 1  # the photos are looked at anew
        self.posts, self.review, self.stage = review.posts, review, Stage.REVIEWED
        self.version += 1
        answer = self._answers.get()
        for folder in self._scratch.glob("look-*"):
            shutil.rmtree(folder, ignore_errors=True)
        if answer is None:
            raise Interrupted("stopped")
        return answer

    def _do(self, work: Callable[[Watch], None]) -> None:
        if self.away or self.review is not None:
            return  # a second press, or one in another tab
        if self.error:
            self.error, self.version = "", self.version + 1
        self._submit(work)

    def _submit(self, work: Callable[[Watch], None]) -> None:
        self._looks = work == self._look
        self._last = self._thread.submit(self._work, work)

    def _work(self, work: Callable[[Watch], None]) -> None:
        self.watch = watch = Watch()
        try:
            work(watch)
        except (Interrupted, KeyboardInterrupt):
            pass
        except Exception as error:
            if not self._closed:  # a second Ctrl-C removes the scratch folder while the work still needs it
                inbox = str(self.inbox.folder)  # which its user never sees
                self.error = said(error).replace(f"{inbox}{os.sep}", "").replace(inbox, "what came")
        finally:
            self.watch = None
            if self.stage is Stage.REVIEWED:  # it failed, or was stopped
                self._end_review()
                self.stage = Stage.RECEIVED
            self.version += 1
            if self._arrived and self.stage is Stage.RECEIVED and not (self._looks or self._closed):
                self._submit(self._look)

    def _look_if_any(self) -> None:
        if self._arrived and self.stage is Stage.RECEIVED:
            self._do(self._look)

    def _look(self, watch: Watch) -> None:
        inbox, arrived, self._arrived = self.inbox, self._arrived, []
        if not arrived:
            return  # another call saw it, or nothing came before the work began
        watch.phase("looking at what came", 0)
        inbox.write_captions({})  # what was typed is here
        lost = {path.name: why for path in arrived if (why := _unpacked(inbox, path))}
        if inbox is self.inbox:
            self.lost |= lost
        if len(lost) == len(arrived):
            return
        dataset = inbox.posts(watch)
        if inbox is not self.inbox:
            return  # all of it was to be forgotten meanwhile
        came = _given(self.dataset) if self.dataset else {}
        typed = {photo: text for photo, text in self.captions.items() if text.strip() != came.get(photo, "")}
        self.dataset, self.captions = dataset, typed
        if inbox.takes_captions(dataset):
            self.captions = {photo: typed.get(photo, text) for photo, text in _given(dataset).items()}
        elif typed:
            watch.note("captions came with the photos: those that you typed are not used")
        self.notes = list(watch.notes)  # before those on the work, which may follow

    def _make(self, watch: Watch) -> None:
        watch.phase("starting", 0)
        self._look(watch)
        from unlearnable.protect.records import read_manifest
        from unlearnable.protect.run import protect

        if self.dataset is not None and self.inbox.takes_captions(self.dataset):
            self.inbox.write_captions(self.captions if self.captions != _given(self.dataset) else {})
        chosen = {"preset": self.preset, "platform": self.platform, "epsilon": self.epsilon, "output": self.output}
        settings = self._settings({**chosen, "names": self.names, "name": self.name})
        report = protect(settings, progress=watch, review=self._ask)
        lines = read_manifest(private_of(Path(report.output)) / MANIFEST)
        self.copies = [line for line in lines if line.output]
        self.report, self.stage = report, Stage.PUBLISHED


def _given(dataset: Dataset) -> dict[str, str]:
    """Return the first caption that came with each photo; empty where none did."""
    captions, bare = dataset.captions_by_photo(), dataset.uncaptioned
    return {photo: "" if photo in bare else texts[0] for photo, texts in captions.items()}


def _unpacked(inbox: Inbox, path: Path) -> str:
    """Unpack a file that is a zip; return why it cannot be, so that what came with it is taken all the same."""
    try:
        if path.suffix.lower() == ".zip":
            inbox.unpack(path)
    except UnlearnableError as error:
        return said(error)
    return ""


def free_output(wanted: Path) -> Path:
    """Return a folder that is not there yet: the wanted one, or one of the same name with a number."""

    def names() -> Iterator[Path]:
        yield wanted
        for number in range(2, 10_000):
            yield wanted.with_name(f"{wanted.name}-{number}")

    return next(path for path in names() if not path.exists() and not private_of(path).exists())
