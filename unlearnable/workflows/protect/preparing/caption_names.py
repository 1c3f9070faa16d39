"""The names in the captions of a run as they will be published: with those of others, as initials, or in disguise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from unlearnable.datasets import is_photo
from unlearnable.datasets.types import NO_RECORD
from unlearnable.disk import entries
from unlearnable.errors import ConfigError
from unlearnable.posts.initials import initials, mentions, shortened, stands_in
from unlearnable.posts.letters import look_alike
from unlearnable.posts.names import all_names, disguised, posts_by_own_name
from unlearnable.protection.borrowing import borrowing
from unlearnable.protection.captions import cut_captions
from unlearnable.wording.counts import counted, named
from unlearnable.workflows.protect.preparing.reading import Caption
from unlearnable.workflows.protect.preparing.setup import Run

_NAMED = 3  # files in a remark; the others are counted
_LARGEST = 1 << 26  # bytes of a file that is searched for names


def with_names(run: Run) -> Mapping[str, list[Caption]]:
    """Return the captions of each photo, with names borrowed and in disguise as the settings ask."""
    if not (run.problem.borrowed or run.settings.disguise_names):
        return run.captions
    names = _to_disguise(run)
    texts = [[disguised(text, names) for text in post] for post in _in_short(run)]
    length = run.problem.vocabulary.longest * run.settings.trigger_length
    languages = [[caption.slot.language for caption in post] for post in run.captions.values()]
    cut = cut_captions(texts, run.settings, length, run.settings.seed, languages)
    return {
        photo: [Caption(caption.pair, slot) for caption, slot in zip(post, slots, strict=True)]
        for (photo, post), slots in zip(run.captions.items(), cut, strict=True)
    }


def undisguised(run: Run) -> Run:
    """Return a run without a disguise: what is left to whoever undoes it is to hold by itself."""
    return replace(run, settings=run.settings.model_copy(update={"disguise_names": False}))


def _with_others(run: Run) -> list[list[str]]:
    others = run.problem.borrowed
    return [[borrowing(caption.pair.caption, others) for caption in post] for post in run.captions.values()]


def _in_short(run: Run) -> list[list[str]]:
    return [[shortened(text, run.settings.initials) for text in post] for post in _with_others(run)]


def _to_disguise(run: Run) -> frozenset[str]:
    return all_names(_in_short(run)) if run.settings.disguise_names else frozenset()


def refuse_unmentioned(run: Run, known: Collection[str] = ()) -> None:
    """Refuse names to be written as initials that no caption mentions as a whole: one that is misspelt would stay.

    Args:
        run: its captions are searched.
        known: names that need not be in them, as captions of an earlier run mention them.

    Raises:
        ConfigError: there is one; the message says which.
    """
    texts = [text for post in _with_others(run) for text in post]
    for name in run.settings.initials:
        if name not in known and not any(mentions(text, name) for text in texts):
            raise ConfigError(f"no caption mentions {name}", hint="write the name as the captions do")


def said_of_names(run: Run) -> list[str]:
    """Return what the user should know: what became of names in the captions, or what could become of them."""
    settings = run.settings
    if settings.borrow_names or settings.initials or settings.disguise_names:
        borrowed = _said_of_borrowed(run) if settings.borrow_names else []
        short = _said_of_initials(run) if settings.initials else []
        return [*borrowed, *short, *(_said_of_disguised(run) if settings.disguise_names else [])]
    names = list(posts_by_own_name(_of_the_user(run))) if run.method.has_trigger else []
    if not names:
        return []
    shortening = f"--initials '{names[0]}' writes {initials(names[0])}, so that nobody learns the name"
    disguising = "--disguise-names writes names in letters that look the same and that models read as other words"
    lending = "; --borrow-names 2 names people beside them who are not in the photo, which takes more to undo"
    return [
        f"your captions mention {counted(len(names), 'name')} more than once: {shortening}; "
        f"{disguising}{lending * (len(names) > 1)}"
    ]


def said_of_names_left(staged: Path, names: Sequence[str]) -> list[str]:
    """Return a remark on the files to be published that say a name outside of captions, or are called so."""
    said = {}
    for path in entries.files_below(staged) if names else ():
        shown = path.relative_to(staged).as_posix()
        is_text = not is_photo(shown) and entries.size_of(path) <= _LARGEST
        text = path.read_bytes().decode("utf-8", "replace") if is_text else ""
        said[shown] = next((name for name in names if stands_in(f"{shown}\n{text}", name)), "")
    found = [shown for shown, name in said.items() if name]
    where = "in a name of a file, a tag, a handle or another field than the caption: these stay as they are"
    verb = "says" if len(found) == 1 else "say"
    return [f"{named(found, _NAMED)} still {verb} {said[found[0]]}, {where}"] if found else []


def _said_of_initials(run: Run) -> list[str]:
    """Return in how many captions a name became initials, and which name of several posts did not."""
    captions = _captions(run)
    count = sum(shortened(caption, run.settings.initials) != caption for caption in captions)
    said = [f"names stand as initials in {count} of {len(captions)} captions, as you asked"]
    short = [[shortened(text, run.settings.initials) for text in post] for post in _of_the_user(run)]
    if left := [name for name in posts_by_own_name(short) if initials(name) != f"{name}."]:
        often, first = "your captions mention more than once", left[0]
        several = f"{len(left)} other names that {often}, such as {first}, stay as they are"
        said.append(f"{first}, which {often}, stays as it is" if len(left) == 1 else several)
    return said


def _said_of_disguised(run: Run) -> list[str]:
    captions, names = _captions(run), _to_disguise(run)
    count = sum(disguised(caption, names) != caption for caption in captions)
    if not count:
        return ["no caption has a name to disguise: a name has to begin with a capital"]
    said = [
        f"names are in disguise in {count} of {len(captions)} captions, as you asked: whoever searches for such a "
        "name does not find them"
    ]
    if stay := [name for name in names if look_alike(name) == name]:
        said.append(f"some names, such as {min(stay)}, cannot be disguised: no letters look like theirs")
    return said


def _said_of_borrowed(run: Run) -> list[str]:
    captions, others = _captions(run), run.problem.borrowed
    count = sum(borrowing(caption, others) != caption for caption in captions)
    if not count:
        return ["no caption borrows a name: your captions have to mention two names or more, each in two posts or more"]
    said = [f"{count} of {len(captions)} captions also name people who are not in the photo, as you asked"]
    if alone := [name for name in posts_by_own_name(run.problem.captions) if name not in others]:
        without = counted(len(alone), "name")
        said.append(f"{without}, such as {alone[0]}, cannot borrow any: too few others stand in the new captions")
    if away := run.problem.given_away:
        said.append(
            f"{len(away)} of {len(others)} names, such as {away[0]}, cannot borrow any that fits the photos as well: "
            "whoever knows whether a name is a woman's or a man's can tell that they are the true ones"
        )
    return said


def _captions(run: Run) -> list[str]:
    return [pair.caption for post in run.pairs for pair in post]


def _of_the_user(run: Run) -> list[list[str]]:
    """Return the captions of each post without those made from file names, whose words are mostly of folders."""
    return [[pair.caption for pair in post if pair.record != NO_RECORD] for post in run.pairs]
