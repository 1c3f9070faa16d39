"""How much of the text attribution falls on the trigger, over many posts, under several models.

python tools/bench/attention.py PROTECTED --model clean.safetensors --model mem.safetensors [--original PHOTOS]

PROTECTED is a folder that `protect` wrote, with its private folder beside it. Each post is explained with its first
published caption; with --original on the photo as it was, otherwise on the copy.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean, pstdev

import torch
from unlearnable.report.gallery import spread

from unlearnable.analysis.gradcam import gradcam, top_share
from unlearnable.analysis.integrated_gradients import integrated_gradients, marked, share_of, split_words
from unlearnable.imaging.decode import decode
from unlearnable.imaging.placement import working_copy
from unlearnable.models.openclip import load as load_model
from unlearnable.optim.view import PLAIN_VIEW, load_view
from unlearnable.results import ManifestLine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protected", type=Path)
    parser.add_argument("--original", type=Path)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--posts", type=int, default=40)
    parser.add_argument("--skip", default="", help="leave out photos whose path begins so")
    arguments = parser.parse_args()
    manifest = arguments.protected.with_name(f"{arguments.protected.name}.private") / "manifest.jsonl"
    lines = [ManifestLine.model_validate_json(text) for text in manifest.read_text(encoding="utf-8").splitlines()]
    lines = [one for one in lines if one.output and not (arguments.skip and one.source.startswith(arguments.skip))]
    chosen = spread(lines, arguments.posts)
    print(f"{len(chosen)} posts of {len(lines)}")
    for name in arguments.model:
        encoder = load_model(name)
        found = [explained(encoder, line, arguments) for line in chosen]
        shares, fractions, heats, errors = zip(*found, strict=True)
        heats = [heat for heat in heats if heat is not None]
        print(
            f"{Path(name).stem:8} on the trigger {told(shares)} (of the words {told(fractions)}); hottest tenth "
            f"{told(heats)} ({len(found) - len(heats)} without heat); completeness error mean {fmean(errors):.4f}, "
            f"worst {max(errors):.4f}"
        )


def explained(encoder, line, arguments):
    path = arguments.original / line.source if arguments.original else arguments.protected / line.output
    pixels = working_copy(decode(path).pixels, 2 * encoder.image_size).transpose(2, 0, 1).copy()
    seen = load_view(torch.from_numpy(pixels).float(), encoder.image_size, PLAIN_VIEW)
    caption = line.captions[0]
    found = integrated_gradients(encoder, seen, caption)
    mask = marked(found.words, line.trigger)
    heat = gradcam(encoder, seen, split_words(caption, encoder.context_length).tokens)
    return share_of(found.values, mask) or 0.0, sum(mask) / len(mask), top_share(heat), found.error


def told(values):
    return f"{100 * fmean(values):.1f} ± {100 * pstdev(values):.1f} %" if values else "-"


if __name__ == "__main__":
    main()
