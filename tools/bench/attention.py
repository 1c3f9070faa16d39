"""Measure the share of the text attribution on the trigger, over many posts and several models.

python tools/bench/attention.py PROTECTED --model clean.safetensors --model mem.safetensors [--original PHOTOS]

PROTECTED is a folder that `protect` wrote, with its private folder beside it. Each post is explained with its first
published caption: with --original on the original photo, otherwise on the protected copy.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean, pstdev

import torch

from unlearnable.explain.attribution import gradcam, integrated_gradients, mark_words, share_of, split_words, top_share
from unlearnable.imaging.decode import decode
from unlearnable.imaging.placement import working_copy
from unlearnable.models.openclip import load as load_model
from unlearnable.report import ManifestLine
from unlearnable.training.view import PLAIN_VIEW, load_view


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protected", type=Path)
    parser.add_argument("--original", type=Path)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--posts", type=int, default=40)
    parser.add_argument("--skip", default="", help="leave out photos whose path starts with this")
    arguments = parser.parse_args()
    manifest = arguments.protected.with_name(f"{arguments.protected.name}.private") / "manifest.jsonl"
    lines = [ManifestLine.model_validate_json(text) for text in manifest.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line.output and not (arguments.skip and line.source.startswith(arguments.skip))]
    count = min(arguments.posts, len(lines))
    chosen = [lines[len(lines) * number // count] for number in range(count)]  # evenly spread
    print(f"{len(chosen)} posts of {len(lines)}")
    for name in arguments.model:
        encoder = load_model(name)
        figures = [explained(encoder, line, arguments) for line in chosen]
        shares, fractions, top_shares, errors = zip(*figures, strict=True)
        top_shares = [share for share in top_shares if share is not None]
        print(
            f"{Path(name).stem:8} on the trigger {in_per_cent(shares)} (of the words {in_per_cent(fractions)}); most "
            f"salient tenth {in_per_cent(top_shares)} ({len(figures) - len(top_shares)} without saliency); "
            f"completeness error mean {fmean(errors):.4f}, worst {max(errors):.4f}"
        )


def explained(encoder, line, arguments):
    path = arguments.original / line.source if arguments.original else arguments.protected / line.output
    pixels = working_copy(decode(path).pixels, encoder.image_size).transpose(2, 0, 1).copy()
    seen = load_view(torch.from_numpy(pixels).float(), encoder.image_size, PLAIN_VIEW)
    caption = line.captions[0]
    attribution = integrated_gradients(encoder, seen, caption)
    mask = mark_words(attribution.words, line.trigger)
    saliency = gradcam(encoder, seen, split_words(caption).tokens)
    return share_of(attribution.values, mask) or 0.0, sum(mask) / len(mask), top_share(saliency), attribution.error


def in_per_cent(values):
    return f"{100 * fmean(values):.1f} ± {100 * pstdev(values):.1f} %" if values else "-"


if __name__ == "__main__":
    main()
