"""The captions of a run that mention names of others, as they will be published."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnable.datasets.types import NO_RECORD
from unlearnable.posts.names import posts_by_name
from unlearnable.protection.borrowing import borrowing
from unlearnable.protection.captions import cut_captions
from unlearnable.wording import counted
from unlearnable.workflows.protect.prepare import Caption
from unlearnable.workflows.protect.setup import Run


def with_names(run: Run) -> Mapping[str, list[Caption]]:
    """Return the captions of each photo, with the names that the settings have them borrow."""
    others = run.problem.borrowed
    if not others:
        return run.captions
    texts = [[borrowing(caption.pair.caption, others) for caption in post] for post in run.captions.values()]
    cut = cut_captions(texts, run.settings, run.settings.trigger_length, run.settings.seed)
    return {
        photo: [Caption(caption.pair, slot) for caption, slot in zip(post, slots, strict=True)]
        for (photo, post), slots in zip(run.captions.items(), cut, strict=True)
    }


def said_of_names(run: Run) -> list[str]:
    """Return what the user should know: how many captions mention others, or that they could."""
    if not run.settings.borrow_names:
        names = len(posts_by_name(_of_the_user(run))) if run.method.has_trigger else 0
        if names < 2:
            return []
        return [
            f"your captions mention {names} names more than once: with --borrow-names 2 models learn far less of who "
            "that is, but captions then also name people who are not in the photo"
        ]
    others = run.problem.borrowed
    captions = [caption.pair.caption for photo in run.prepared.photos for caption in run.captions[photo.id]]
    count = sum(borrowing(caption, others) != caption for caption in captions)
    if not count:
        return ["no caption borrows a name: your captions have to mention two names or more, each in two posts or more"]
    said = [f"{count} of {len(captions)} captions also name people who are not in the photo, as you asked"]
    if alone := [name for name in posts_by_name(run.problem.captions) if name not in others]:
        without = counted(len(alone), "name")
        said.append(f"{without}, such as {alone[0]}, cannot borrow any: too few others stand in the new captions")
    if away := run.problem.given_away:
        said.append(
            f"{len(away)} of {len(others)} names, such as {away[0]}, cannot borrow any that fits the photos as well: "
            "whoever knows whether a name is a woman's or a man's can tell that they are the true ones"
        )
    return said


def _of_the_user(run: Run) -> list[list[str]]:
    """Return the captions of each post without those made from file names, whose words are mostly of folders."""
    posts = [run.captions[photo.id] for photo in run.prepared.photos]
    return [[caption.pair.caption for caption in post if caption.pair.record != NO_RECORD] for post in posts]
