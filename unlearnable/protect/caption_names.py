"""The names in the captions of a run as they will be published (`--names`, `--name`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from unlearnable.errors import ConfigError
from unlearnable.methods.words import cut_captions
from unlearnable.posts import Dataset, is_photo
from unlearnable.posts.names import mentions, people_in, stands_in, written
from unlearnable.protect.read import Caption
from unlearnable.protect.setup import Run
from unlearnable.settings import ProtectSettings
from unlearnable.storage import files
from unlearnable.wording import counted, named

_NAMED = 3  # files or names in a remark; the others are counted
_LARGEST = 1 << 26  # bytes of a file that is searched for names


def with_names(run: Run) -> Mapping[str, list[Caption]]:
    """Return the captions of each photo as they will be published: names in look-alike letters where that is asked.

    Noise and words are made with the names as they are, so that they hold against whoever undoes the letters. Initials
    stand in the captions from the start.
    """
    if run.settings.names != "lookalike":
        return run.captions
    names = names_to_write(run.dataset, run.settings)
    texts = [[written(caption.pair.caption, names, "lookalike") for caption in post] for post in run.captions.values()]
    length = run.problem.vocabulary.longest * run.settings.trigger_length
    languages = [[caption.slot.language for caption in post] for post in run.captions.values()]
    cut = cut_captions(texts, run.method_settings, length, run.settings.seed, languages)
    return {
        photo: [Caption(caption.pair, slot) for caption, slot in zip(post, slots, strict=True)]
        for (photo, post), slots in zip(run.captions.items(), cut, strict=True)
    }


def with_plain_names(run: Run) -> Run:
    """Return a run without look-alike letters: what is left to whoever undoes them is to hold by itself."""
    keep = run.settings.names == "lookalike"
    return replace(run, settings=run.settings.model_copy(update={"names": "keep"})) if keep else run


def names_to_write(dataset: Dataset, settings: ProtectSettings) -> Sequence[str]:
    """Return the names that captions are to write in the style of the settings: those given, or all of people."""
    if settings.names == "keep":
        return ()
    return settings.name or people_in([*dataset.captions_by_photo().values()])


def refuse_unmentioned(run: Run, known: Collection[str] = ()) -> None:
    """Refuse names that no caption mentions as a whole: one that is misspelt would stay.

    Args:
        run: its captions are searched.
        known: names that need not be in them, as captions of an earlier run mention them.

    Raises:
        ConfigError: there is one; the message says which. Or names are given, and nothing is to be done with them.
    """
    settings = run.settings
    if settings.name and settings.names == "keep":
        raise ConfigError("`name` changes nothing by itself", hint="add `names='initials'`, or `names='lookalike'`")
    texts = [text for post in run.dataset.captions_by_photo().values() for text in post]
    for name in settings.name:
        if name not in known and not any(mentions(text, name) for text in texts):
            raise ConfigError(f"no caption mentions {name}", hint="write the name as the captions do")


def names_notes(run: Run) -> list[str]:
    """Return what the user should know: which names were written in another way, or which could be."""
    settings, captions = run.settings, [text for post in run.dataset.captions_by_photo().values() for text in post]
    if settings.names == "keep":
        people = people_in([captions]) if run.method.has_trigger else []
        hint = "`names='initials'` writes them as initials" if people else ""
        return [f"your captions name {named(people, _NAMED)}: {hint}, so that nobody learns them"] if people else []
    names = names_to_write(run.dataset, settings)
    changed = sum(written(text, names, settings.names) != text for text in captions)
    how = "as initials" if settings.names == "initials" else "in look-alike letters"
    if not changed:
        return ["no caption names anybody that was recognised: give names with `name`"]
    return [f"{counted(changed, 'caption')} of {len(captions)} {'writes' if changed == 1 else 'write'} names {how}: "
            f"{', '.join(names)}"]  # fmt: skip


def names_left_notes(staged: Path, names: Sequence[str]) -> list[str]:
    """Return a remark on the files to be published that say a name outside of captions, or are called so."""
    said = {}
    for path in files.files_below(staged) if names else ():
        shown = path.relative_to(staged).as_posix()
        is_text = not is_photo(shown) and files.size_of(path) <= _LARGEST
        text = path.read_bytes().decode("utf-8", "replace") if is_text else ""
        said[shown] = next((name for name in names if stands_in(f"{shown}\n{text}", name)), "")
    found = [shown for shown, name in said.items() if name]
    where = "in the name of a file, an address or another field than the caption"
    verb = "says" if len(found) == 1 else "say"
    return [f"{named(found, _NAMED)} still {verb} {said[found[0]]}, {where}"] if found else []
