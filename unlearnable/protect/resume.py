"""The folders that a run holds, and what an earlier run left in them: continued, kept, or replaced."""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from unlearnable.config import ProtectSettings, digest
from unlearnable.datasets import Dataset
from unlearnable.disk import entries, files, limits, locks, modes
from unlearnable.errors import CheckpointError, ConfigError, OutputError
from unlearnable.progress.reporting import Progress
from unlearnable.protect import publish
from unlearnable.protect.layout import Layout, clear, is_held, is_of_a_run
from unlearnable.protect.records import ANEW, parsed, read_manifest, read_report, refuse_incomplete, run_key
from unlearnable.results import ProtectReport
from unlearnable.wording.counts import named
from unlearnable.wording.escapes import storable


def refuse_both(*, resume: bool, overwrite: bool, add: bool = False) -> None:
    """Refuse what contradicts each other: to continue a run, to replace its result and to add to it.

    Raises:
        ConfigError: two of them are asked for.
    """
    if resume and add:
        raise ConfigError("--add and --resume exclude each other", hint="the same --add continues one that was stopped")
    if overwrite and (resume or add):
        option = "--add" if add else "--resume"
        raise ConfigError(f"{option} and --overwrite exclude each other", hint="use only one of them")


def refuse_existing_output(layout: Layout, key: str, *, resume: bool, overwrite: bool) -> None:
    """Refuse to write to folders that are in use already.

    Raises:
        OutputError: a folder holds results and neither `resume` nor `overwrite` is set, or it holds something
            other than results.
        CheckpointError: the run to resume has another key.
    """
    used = _used(layout)
    if not used:
        return
    is_ours = is_of_a_run(layout)
    if not (overwrite or resume):
        raise _exists(layout, used[0], is_ours=is_ours)
    if not is_ours:
        message, hint = f"{used[0]} was not made by this program", f"remove {used[0]}, or choose another --output"
        if layout.private not in used:
            message, hint = f"{message}, or {layout.private}, which goes with it, is lost", f"put that back, {hint}"
        raise OutputError(message, hint=hint)
    if resume and layout.key_under_way() not in (None, key):
        hint = "use the same settings and photos, or --overwrite to start over"
        if layout.earlier.exists():
            hint = "continue it with --add in place of --resume, or start over with --overwrite"
        raise CheckpointError(f"{layout.private} holds a stopped run of other settings or photos", hint=hint)


def _used(layout: Layout) -> list[Path]:
    """Return those of the two folders that hold anything, but for files that a killed run was writing."""
    passing = {layout.lock, layout.holder}
    published = layout.output.iterdir() if layout.output.is_dir() else ()
    private = (path for path in entries.files_below(layout.private) if not path.is_relative_to(layout.scratch))
    found = {layout.output: published, layout.private: private}
    return [
        folder
        for folder, paths in found.items()
        if any(not (path in passing or files.is_temporary(path)) for path in paths)
    ]


def _exists(layout: Layout, used: Path, *, is_ours: bool) -> OutputError:
    """Return the error that a folder is in use, with what can be done about it."""
    found, goes_on = f"{used} exists already", "use --resume to continue a stopped run, --overwrite to replace it"
    if not is_ours:
        return OutputError(found, hint="choose another --output")
    if layout.earlier.exists():
        goes_on = "use --add to continue the stopped one, --overwrite to replace it"
    elif not layout.progress.exists() and layout.report.is_file():
        goes_on = "use --add for photos that are new, --overwrite to replace it"
    elif not layout.progress.exists():
        found += f", and {layout.report} is gone"
        goes_on = "restore it from a backup, protect all anew with --overwrite"
    return OutputError(found, hint=f"{goes_on}, or choose another --output")


def create_folders(layout: Layout, key: str, settings: str, posts: Mapping[str, str], *, resume: bool) -> None:
    """Create the folders of a run, after `refuse_existing_output`; a stopped run is removed unless it is resumed.

    Links in the folder of a stopped run are removed and not followed.

    Args:
        layout: folders of the run.
        key: run key.
        settings: settings of the run, as TOML.
        posts: checksum of each post, by the id of its photo.
        resume: keep the files of a stopped run.

    Raises:
        OutputError: the folders cannot be created, or the one of a stopped run is a link to another.
    """
    if layout.progress.is_symlink():
        raise OutputError(f"{layout.progress} is a link, which nothing is written through", hint="remove it")
    if layout.output.is_dir():  # one that is made later lies beside the private folder
        for folder in (layout.output, *layout.output.rglob("*/")):
            limits.check_writable(folder)
    with files.reporting_write_errors(layout.progress):
        if layout.progress.exists() and not (resume and layout.key_under_way() == key):
            _remove_stopped(layout)
        for path in entries.files_below(layout.progress):
            if path.is_symlink():  # no run makes any: what is written would go to where it leads
                path.unlink()
        layout.staged.mkdir(parents=True, exist_ok=True)
    files.write_text(layout.staged_settings, settings)
    files.write_text(layout.staged_posts, json.dumps(posts) + "\n")
    files.write_text(layout.key, f"{key}\n")


def _remove_stopped(layout: Layout) -> None:
    """Remove a stopped run: its key first, so that it is none to resume, its settings last, which tell whose it is."""
    layout.key.unlink(missing_ok=True)
    for path in layout.progress.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != layout.staged_settings:
            path.unlink()
    shutil.rmtree(layout.progress)


_NAMED = 5  # files in a message; the others are counted
LOOKS, PAUSE = 10, 0.1  # how often, and after how many seconds, it is looked who holds a lock


@contextmanager
def held(layout: Layout) -> Iterator[None]:
    """Hold the folders of a run against other runs, and say in the private folder who holds them.

    The system releases the lock of a process that dies; its files are then taken over by the next run.

    Raises:
        OutputError: another run holds them, or the private folder cannot be made, or no run made it.
    """
    _refuse_others(layout)
    lock = FileLock(layout.lock, timeout=0)
    with entries.no_empty_folders_above(layout.private):
        _take(layout, lock)
        try:
            modes.make_private(layout.private)
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            files.write_text(layout.holder, f"process {os.getpid()} on {platform.node()} since {since}\n")
            yield
        finally:
            _let_go(layout, lock)


@contextmanager
def scratch_of(layout: Layout) -> Iterator[Path]:
    """Yield an empty folder inside the private one for decoded originals, which nobody else may read.

    It is removed at the end; what a killed run left there is removed first. The caller holds the folders.

    Raises:
        OutputError: it cannot be made.
    """
    shutil.rmtree(layout.scratch, ignore_errors=True)
    with files.reporting_write_errors(layout.scratch):
        layout.scratch.mkdir(mode=0o700)
    try:
        yield layout.scratch
    finally:
        shutil.rmtree(layout.scratch, ignore_errors=True)


def _take(layout: Layout, lock: FileLock) -> None:
    """Make the private folder, and take the lock in it; one that cannot be locked is not left there."""
    with files.reporting_write_errors(layout.lock, files.ELSEWHERE):
        is_new = not layout.private.exists()
        layout.private.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            raise _taken(layout) from None
        except OSError:  # the file system knows no locks
            if is_new:
                shutil.rmtree(layout.private, ignore_errors=True)
            raise


def _let_go(layout: Layout, lock: FileLock) -> None:
    """Release the lock; a private folder that holds nothing else is removed, also one that no mode can be given."""
    try:
        modes.make_private(layout.private)
    finally:
        for path in (layout.holder, layout.lock):
            with suppress(OSError):  # Windows removes no file that is open, and a disk may take no changes any more
                path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # it holds something
            layout.private.rmdir()


def _refuse_others(layout: Layout) -> None:
    """Stop before anything is touched where the private folder holds files, and none that a run wrote."""
    if not layout.private.is_dir() or is_held(layout) or is_of_a_run(layout):
        locks.refuse_filled(layout.lock)
        _refuse_passing(layout)
        return
    found = entries.files_below(layout.private)
    if any(entries.size_of(path) if path == layout.lock else not files.is_temporary(path) for path in found):
        raise OutputError(f"{layout.private} was not made by this program", hint="remove it or choose another --output")


def _refuse_passing(layout: Layout) -> None:
    """Stop where somebody put files into a folder that runs remove with all that it holds.

    Raises:
        OutputError: there are such files; the message names them.
    """
    folders = [folder for folder in layout.passing if not folder.is_symlink()]
    found = [str(path) for folder in folders for path in entries.files_below(folder) if not layout.owns(path)]
    if found:
        was, them = ("was", "it") if len(found) == 1 else ("were", "them")
        raise OutputError(
            f"{named(found, _NAMED)} {was} not made by this program, and runs remove what lies there",
            hint=f"move {them} elsewhere",
        )


def _taken(layout: Layout) -> OutputError:
    """Return what to say of a lock that another run holds, which writes who it is right after it took it."""
    for _ in range(LOOKS):
        if layout.holder.is_file():
            break
        time.sleep(PAUSE)
    try:
        holder = layout.holder.read_text(encoding="utf-8").strip()
    except OSError:
        holder = "another process"
    return OutputError(
        f"another run is writing to {layout.output}: {holder}", hint="wait until it is over, or choose another --output"
    )


_NAMED_resume = 3  # files or photos in a message; the others are counted


def without_new(settings: ProtectSettings, dataset: Dataset, layout: Layout, progress: Progress) -> Dataset:
    """Return the posts without photos that came since the finished run, where files of it have to be made again.

    These can be made of its own posts alone. Where nothing is to be made again, or these are not the posts of that
    run, all posts are returned.

    Raises:
        CheckpointError: a record of the finished run is damaged.
    """
    if not (layout.report.is_file() and layout.manifest.is_file()):
        return dataset
    known = {line.source for line in read_manifest(layout.manifest) if line.post}
    new = [photo.id for photo in dataset.photos if storable(photo.id) not in known]
    if not new or not publish.damaged(layout):
        return dataset
    before = dataset.of({photo.id for photo in dataset.photos} - set(new))
    if run_key(settings, before) != read_report(layout).run:
        return dataset
    was, it = ("was", "it") if len(new) == 1 else ("were", "them")
    progress.note(f"{named(new, _NAMED)} {was} not in this run: use --add afterwards to protect {it}")
    return before


def finished_report(
    settings: ProtectSettings, dataset: Dataset, layout: Layout, key: str, progress: Progress
) -> ProtectReport | None:
    """Return the report of the complete run that would be resumed, or None if there is none.

    Photos that have changed since are no reason to touch a complete result.

    Raises:
        CheckpointError: the complete run had other settings or photos, or one of its records is damaged or lost, or
            files have to be made again of photos that have changed: each copy would be another one, and those of
            photos that are gone would go.
    """
    if not layout.report.is_file():
        if layout.key_under_way() is None and any(path.is_file() for path in layout.records):
            raise CheckpointError(f"{layout.report} of the finished run is gone, so nothing is resumed", hint=ANEW)
        return None
    report = read_report(layout)
    if layout.key_under_way() not in (None, report.run):
        return None  # the unfinished run is to replace the complete one
    refuse_incomplete(layout, report)
    if report.run != key:
        if not (changed := _changed_since_finished(layout, settings, dataset)):
            what = "run of other settings or photos"
            if not report.is_of_one_run:
                what = "result that --add added to, which cannot be resumed"
            raise CheckpointError(
                f"{layout.private} holds a finished {what}",
                hint="use --add if photos are to be added, or --overwrite to start over",
            )
        said = f"{_said_of_changed(changed)} since this run began"
        if broken := publish.damaged(layout):
            lost = named([str(layout.output / name) for name in broken], _NAMED_resume)
            back = "put the photos back as they were, or " if report.is_of_one_run else ""
            raise CheckpointError(
                f"{said}, so {lost} cannot be made again", hint=f"{back}protect all anew with --overwrite"
            )
        progress.note(f"{said}: --overwrite protects the photos as they are")
    return report


def is_intact(layout: Layout, progress: Progress) -> bool:
    """Return whether a complete run needs no work, after checking each published file.

    The report stays until all is made again: a kill leaves it to be resumed.

    Raises:
        OutputError: some have changed, perhaps by the user.
    """
    sums, broken = publish.read_sums(layout), publish.damaged(layout)
    if not broken:
        clear(layout)
        return True
    publish.refuse_changed(layout, broken)
    progress.note(f"{len(broken)} of {len(sums)} published files are missing and are made again")
    return False


def goes_on(
    settings: ProtectSettings,
    dataset: Dataset,
    layout: Layout,
    key: str,
    progress: Progress,
    *,
    resume: bool,
    overwrite: bool,
) -> bool:
    """Return whether a stopped run is continued, once nothing forbids to write to its folders.

    One to resume whose photos have changed since begins again with the others, which is said.

    Raises:
        OutputError: as of `refuse_existing_output`; or files to overwrite are not those that this program wrote.
        CheckpointError: as of `refuse_existing_output`.
    """
    if resume and layout.key_under_way() is None and not layout.report.is_file():
        progress.note(f"nothing to resume in {layout.private}: this is a new run; if you expected one, check --output")
    changed = _changed_since_stopped(layout, settings, dataset) if resume else []
    if changed:
        said = _said_of_changed(changed)
        progress.note(f"{said} since the run was stopped: it begins anew with the photos as they are")
    continues = resume and not changed
    refuse_existing_output(layout, key, resume=continues, overwrite=overwrite or bool(changed))
    if overwrite:
        publish.refuse_foreign(layout)
    return continues


def said_of_going(layout: Layout, dataset: Dataset) -> list[str]:
    """Return a remark where an earlier result, which is to be replaced, has copies of photos that are not taken now."""
    try:
        lines = [line for line in read_manifest(layout.manifest) if line.output]
    except (OSError, CheckpointError):  # none, or its records are damaged
        return []
    taken = {storable(photo.id) for photo in dataset.photos}
    going = [str(line.output) for line in lines if line.source not in taken]
    if not going:
        return []
    is_of, it_goes = ("is of", "it goes") if len(going) == 1 else ("are of", "they go")
    return [f"{named(going, _NAMED)} of the earlier result {is_of} no photo that is taken now: {it_goes}"]


def _changed_since_stopped(layout: Layout, settings: ProtectSettings, dataset: Dataset) -> list[str]:
    """Return the photos that have changed or are gone since the unfinished run began; none if it is another run."""
    try:
        before = json.loads(layout.staged_posts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return _changed(before, dataset.posts) if _same(layout.staged_settings, settings) else []


def _changed_since_finished(layout: Layout, settings: ProtectSettings, dataset: Dataset) -> list[str]:
    """Return the photos that have changed or are gone since the complete run began; none if it is another run."""
    try:
        before = {line.source: line.post for line in read_manifest(layout.manifest) if line.post}
    except OSError:
        return []
    now = {storable(photo): post for photo, post in dataset.posts.items()}
    return _changed(before, now) if _same(layout.settings, settings) else []


def _said_of_changed(photos: list[str]) -> str:
    """Return the beginning of a remark, such as "a.png and 3 more have changed or are gone"."""
    verb = "has changed or is gone" if len(photos) == 1 else "have changed or are gone"
    return f"{named(photos, _NAMED)} {verb}"


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [] if now.keys() - before.keys() else [photo for photo, post in before.items() if now.get(photo) != post]


def _same(file: Path, settings: ProtectSettings) -> bool:
    """Return whether the settings in a file name the same photos and lead to the same result."""
    try:
        saved = parsed(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    names, before = ({path.resolve().name for path in one.photos} for one in (settings, saved))
    return names == before and digest(saved) == digest(settings)
