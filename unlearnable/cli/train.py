"""`unlearnable train`, and its curves on a terminal of 80 columns."""

from typing import TYPE_CHECKING, Any

import typer

from unlearnable.cli.console import console, run_command, show_skipped, show_table
from unlearnable.cli.options import HOW, MORE, OUTPUT, with_settings
from unlearnable.settings import TrainSettings
from unlearnable.storage.progress import Progress
from unlearnable.wording import counted

if TYPE_CHECKING:
    from unlearnable.report import TrainReport


@with_settings(
    TrainSettings,
    "",
    {
        "What to train on": "data captions test_fraction",
        HOW: "model from_scratch epochs lr batch_size one_caption",
        OUTPUT: "output resume overwrite",
        MORE: "seed device",
    },
    flags={"from_scratch": ["--from-scratch/--pretrained"], "one_caption": ["--one-caption/--all-captions"]},
)
def train(context: typer.Context, resume: bool, overwrite: bool, **_: Any) -> None:
    """Train or fine-tune a CLIP, to protect against it (surrogate) or to test with it (victim).

    Several GPUs: `accelerate launch -m unlearnable train ...`; the contrastive loss is over the
    batch of all processes.
    """

    def work(settings: TrainSettings, progress: Progress) -> "TrainReport | None":
        from unlearnable.training.train import train as run

        return run(settings, resume=resume, overwrite=overwrite, progress=progress)

    run_command(context, TrainSettings, work, _show, hint="`resume=True` continues from its last checkpoint")


def _show(report: "TrainReport") -> None:
    """The curves as a table that fits 80 columns."""
    out, rows = console(), []
    for row in [report.before, *report.history]:
        ways = [way for way in (row.image_to_text, row.text_to_image) if way]
        cells = [cell for way in ways for cell in (f"{way.hit10:.1f}", f"{way.medr:g}")]
        rows.append((str(row.epoch), "-" if row.loss is None else f"{row.loss:.3f}", *cells))
    show_table(out, ("epoch", "loss", "image->text Hit@10", "Medr", "text->image Hit@10", "Medr"), rows)
    out.print(
        f"{counted(report.pairs, 'pair')} of {counted(report.photos, 'photo')}, {report.held_out_photos} held out"
    )
    show_skipped(out, report.skipped, "the report beside the model lists them all")
    out.print(f"{report.seconds:.0f} s on {report.device}; written to {report.output}", soft_wrap=True)
