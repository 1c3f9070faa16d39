"""What lies on the desk: posts that were received, looked at, and published; one piece of work at a time."""

import ctypes
import os
import shutil
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from unlearnable.app.inbox import Inbox
from unlearnable.errors import Interrupted, ModelError, OutputError, UnlearnableError, worded
from unlearnable.models.device import given_up
from unlearnable.posts import Dataset
from unlearnable.report import ManifestLine, ProtectReport
from unlearnable.settings import ProtectSettings, resolve_as
from unlearnable.storage import files
from unlearnable.storage.folders import MANIFEST, private_of

if TYPE_CHECKING:  # it brings torch, which the first page does without
    from unlearnable.protect.run import Review, ReviewedPost

OUTPUT = "posts-protected"
FIELDS = {
    "output": "folder",
    "preset": "amount of work",
    "epsilon": "noise",
    "platform": "place to post",
    "name": "name to write as initials",
}  # of the page, by the name of the setting
INSTEAD = {OutputError: "choose another folder", ModelError: "close other programs, or choose another amount of work"}


class Stage(Enum):
    """How far the posts are."""

    RECEIVED = 1
    REVIEWED = 2
    PUBLISHED = 3


class Watch:
    """A `Progress` that keeps what is shown, and stops the work that reports to it; made in the thread of that work."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self.doing, self.notes = "starting", list[str]()
        self._done, self._total, self.stopped = 0, 0, False

    def stop(self) -> None:
        """End the work at its next report."""
        self.stopped, self.doing = True, "stopping"

    def break_off(self) -> None:
        """End the work where it is, as Ctrl-C ends that of a command: a batch may take minutes."""
        self.stop()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(KeyboardInterrupt))

    @property
    def share(self) -> float:
        """How much of the phase is done, 0 to 1."""
        return self._done / self._total if self._total else 0.0

    def phase(self, name: str, total: int) -> None:
        """Begin a phase."""
        self._check()
        self.doing, self._done, self._total = name, 0, total

    def advance(self, steps: int = 1, **metrics: float) -> None:
        """Count steps; the figures are for the report."""
        self._check()
        self._done += steps

    def note(self, text: str) -> None:
        """Keep a remark."""
        self.notes.append(text)

    def _check(self) -> None:
        if self.stopped:
            raise Interrupted("stopped")


class Desk:
    """The posts of one user, and the work on them, in an empty private folder that the caller removes.

    `given` are settings of the runs; None means "not given".
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
        self.version = 0  # changes with all that a page shows, but for how far the work is
        self._answers: SimpleQueue[dict[int, str] | None] = SimpleQueue()
        self.watch: Watch | None = None  # how far the work is
        self._begin()
        settings = self._settings({})
        self.chosen = {name: getattr(settings, name) for name in ("preset", "platform", "epsilon", "names", "name")}
        self.chosen["output"] = (settings.output or free_output(Path.cwd() / OUTPUT)).absolute()

    def _begin(self) -> None:
        self.stage, self.error = Stage.RECEIVED, ""  # of the last work
        self.lost: dict[str, str] = {}  # why files that were dropped are not here, by their names
        self.notes: list[str] = []  # on what was received
        self.dataset: Dataset | None = None
        self.captions: dict[str, str] = {}  # that were typed, by the id of the photo
        self._end_review()
        self.report: ProtectReport | None = None
        self.copies: list[ManifestLine] = []
        self.version += 1

    def _end_review(self) -> None:
        self.review: Review | None = None
        self.words: dict[int, str] = {}  # that were typed or drawn, by the number of the post
        self.posts: list[ReviewedPost] = []
        self._looked: dict[int, tuple[Path, Path]] = {}

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

    @property
    def changed(self) -> dict[int, str]:
        """The words that are not those that the noise was made for, by the number of the post."""
        words = {number: " ".join(typed.split()) for number, typed in self.words.items()}
        return {number: text for number, text in words.items() if text != self.posts[number].trigger}

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

    def start(self) -> None:
        """Make noise and triggers, to be looked at before they are written."""
        self.lost.clear()
        self._do(self._make)

    def redraw(self, number: int) -> None:
        """Choose other words for a post."""
        if self.review is not None:
            self.words[number] = self.review.other_words(number)
            self.version += 1

    def confirm(self) -> None:
        """Fit the noise to the words that were changed, or, if none were, write the posts.

        Raises:
            InputError: words that are no trigger for their post.
        """
        if self.review is not None:  # a second press changes nothing
            changed = self.changed
            for number, words in sorted(changed.items()):
                self.review.concepts_of(number, words)
            self._answer(changed)

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
        self.chosen["output"] = free_output(self.chosen["output"])

    def close(self) -> None:
        """Break the work off, and wait until nothing is done any more."""
        self._closed = True
        self._answers.put(None)
        if self.watch is not None:
            self.watch.break_off()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def file(self, number: int, kind: str) -> Path | None:
        """Return the file of a picture, by the number of its photo; None where there is none.

        Kinds are `received`, `original`, the copy of a review `before` and `after` its noise, and the one that is
        `published`, which `copy` shows in full size.
        """
        photos = self.dataset.photos if self.dataset else ()
        if kind == "received" and number in range(len(photos)):
            return photos[number].path
        if kind == "original" and number in range(len(self.posts)):
            return self.posts[number].original
        if kind in ("published", "copy") and self.report and number in range(len(self.copies)):
            return Path(self.report.output) / str(self.copies[number].output)
        if kind in ("before", "after") and self.review and number in range(len(self.posts)):
            with self._looking:
                try:
                    if number not in self._looked:
                        self._looked[number] = self.review.write_photo(number, self._folder("look"))
                    return self._looked[number][kind == "after"]
                except UnlearnableError:  # shown again, with its reason, when the posts are written
                    return None
        return None

    def _settings(self, chosen: Mapping[str, Any]) -> ProtectSettings:
        return resolve_as(ProtectSettings, {"photos": (self.inbox.folder,), **self._given, **chosen})

    def _new_inbox(self) -> Inbox:
        self._rounds += 1
        return Inbox(self._folder(f"inbox-{self._rounds}"))

    def _folder(self, name: str) -> Path:
        folder = self._scratch / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _answer(self, triggers: dict[int, str] | None) -> None:
        """Answer the review: with other triggers, none, or None to give it up."""
        if self.review is not None:
            self._end_review()
            self._answers.put(triggers)
            self.error, self.version = "", self.version + 1

    def _ask(self, review: "Review") -> dict[int, str]:
        """Let the user look at the posts, and return what they answer; called by the work, which waits."""
        if self._closed or self.watch is None or self.watch.stopped:
            raise Interrupted("stopped")
        self.posts, self.review, self.stage = review.posts, review, Stage.REVIEWED
        self.version += 1
        answer = self._answers.get()
        shutil.rmtree(self._scratch / "look", ignore_errors=True)
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
                self.error = message_of(error).replace(f"{inbox}{os.sep}", "").replace(inbox, "what came")
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
        report = protect(self._settings(self.chosen), progress=watch, review=self._ask)
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
        return message_of(error)
    return ""


def free_output(path: Path) -> Path:
    """Return a folder that is not there yet: the path, or one of the same name with a number."""

    def names() -> Iterator[Path]:
        yield path
        for number in range(2, 10_000):
            yield path.with_name(f"{path.name}-{number}")

    return next(one for one in names() if not one.exists() and not private_of(one).exists())


def message_of(error: Exception) -> str:
    """Return an error and its remedy in the words of the window; of a bug the terminal gets the traceback."""
    if (full := files.full_disk(error)) is not None:
        return f"{full.message}. free some space on it, and try again"
    known = error if isinstance(error, UnlearnableError) else given_up(error)
    if known is None:
        traceback.print_exc()
        return f"This is a bug: {type(error).__name__}: {error}"
    try:
        hint = worded(known.hint or "", _field)
    except KeyError:  # the remedy is an option that the window does not have
        hint = next((hint for kind, hint in INSTEAD.items() if isinstance(known, kind)), "")
    return f"{worded(known.message, lambda name, _: FIELDS.get(name, name))}. {hint}".strip()


def _field(name: str, value: str | None) -> str:
    return FIELDS[name] if value is None else f"{FIELDS[name]}: {value}"
