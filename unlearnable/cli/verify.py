"""`unlearnable verify`, and its report on a terminal of 80 columns."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding

from unlearnable.cli.console import console, run_command, say, show_notes, show_skipped, show_table
from unlearnable.cli.options import HOW, MORE, OUTPUT, with_settings
from unlearnable.errors import EXIT_MISSED
from unlearnable.settings import VerifySettings, given_settings, resolve_as
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.wording import counted, grouped

if TYPE_CHECKING:
    from unlearnable.report import VerifyReport


@with_settings(
    VerifySettings,
    "originals protected",
    {
        "What to verify": "captions test test_fraction background",
        "Among whom": "crowd crowd_test leaked",
        HOW: "victims seeds suite through attackers ablations from_scratch epochs lr",
        OUTPUT: "require output overwrite",
        MORE: "seed device",
    },
    flags={"attackers": ["--attacker"]},
    choices={"attackers": ATTACKERS},
)
def verify(context: typer.Context, overwrite: bool, **_: Any) -> None:
    """Train victims on the originals and on the protected copies, and compare what they learnt.

    Both are ranked on clean photos that no victim was trained on. Without arguments the last
    protect run is verified. A stopped run continues when the same command is given again.
    """

    def work(settings: VerifySettings, progress: Progress) -> "VerifyReport | None":
        from unlearnable.verify.run import verify as run

        if not is_first():
            return None  # the first process does it alone
        return run(settings, overwrite=overwrite, progress=progress)

    hint = "the same command continues after the last finished training"
    report = run_command(context, VerifySettings, work, _show, hint=hint, resolve=_resolve)
    if report is not None and report.missed:
        for line in report.missed:
            say(f"missed {line}")
        raise typer.Exit(EXIT_MISSED)


def _resolve(flags: Mapping[str, Any], file: Path | None) -> VerifySettings:
    """Return the settings; folders and captions that nobody names are those of the last protect run."""
    from unlearnable.protect.records import captions_of_last, pair_to_verify

    given, _ = given_settings(VerifySettings, flags, file)
    originals, protected = (Path(str(given[name])) if given.get(name) else None for name in ("originals", "protected"))
    found: dict[str, Path | None] = {}
    if protected is None:
        pair = pair_to_verify(originals)
        say(f"verifying {pair.protected} against {pair.originals} ({pair.reason})")
        found = {"originals": pair.originals, "protected": pair.protected, "captions": pair.captions}
    elif originals is not None and not given.get("captions"):
        found = {"captions": captions_of_last(originals, protected)}
        if found["captions"]:
            say(f"the captions are those of the last protect run, {found['captions']}")
    if given.get("captions"):
        found["captions"] = given["captions"]
    return resolve_as(VerifySettings, {**flags, **found}, file)


def _show(report: "VerifyReport") -> None:
    """Print verdict, tables and matrix."""
    from unlearnable.verify.summary import crowd_rows, table_rows

    out = console()
    out.print(report.verdict, style="bold")
    if report.in_words:
        out.print(report.in_words)
    heads = ("image->text Hit@10", " Medr", "text->image Hit@10", " Medr")
    _show_arms(out, "trained on", heads, table_rows(report))
    if report.crowd:
        out.print(report.crowd.in_words, style="bold")
        heads = ("image->text Hit@10", "text->image Hit@10", "others Hit@10", "known by name")
        _show_arms(out, "your posts", heads, crowd_rows(report.crowd))
        show_notes(out, report.crowd.notes)
    _show_matrix(out, report)
    if report.not_tested:
        out.print(f"not tested: {', '.join(report.not_tested)}")
    gallery = report.gallery
    others = f" and {gallery.background_photos} of others" if gallery.background_photos else ""
    out.print(
        f"{counted(gallery.photos, 'held-out photo')} ({gallery.source}), {gallery.train_photos}{others} trained on, "
        f"seeds {', '.join(map(str, report.seeds))}, {counted(len(gallery.near_duplicates), 'near-duplicate')} dropped",
    )
    show_skipped(out, report.skipped, "report.json lists them all")
    show_notes(out, report.notes)
    out.print(f"report: {report.output}/report.html ({report.seconds:.0f} s)", soft_wrap=True)


def _show_arms(out: Console, name: str, heads: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows of victim, arm and figures; a victim has a line of its own, which leaves room for names of attacks."""
    lines: list[tuple[RenderableType, ...]] = []
    for victim, own in grouped((row[0], row[1:]) for row in rows).items():
        lines += [(victim,)] if victim else []
        lines += [(Padding(arm, (0, 0, 0, 2 if victim else 0)), *figures) for arm, *figures in own]
    show_table(out, (name, *heads), lines, whole=True)


def _show_matrix(out: Console, report: "VerifyReport") -> None:
    """Print the effects by attack or attacker and victim, the worst row first."""
    from unlearnable.verify.summary import matrix_rows

    victims = [" ".join(filter(None, (Path(victim.name).name, victim.role))) for victim in report.victims]
    show_table(out, ("effect", *victims), ((label, *effects) for label, effects in matrix_rows(report)))
    out.print("effect: 1 is all, below 0 a harm")
    if any(row.adaptive for row in report.matrix):
        out.print("* made against this tool by someone who knows it")
