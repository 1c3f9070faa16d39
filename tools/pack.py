"""Pack a trained model into the wheel, with its description: unlearnable/models/data/NAME.safetensors and NAME.json.

python tools/pack.py small WORK/small.safetensors
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from safetensors.torch import save_file

from unlearnable.models import bundled
from unlearnable.models.openclip import load
from unlearnable.storage import checksums, files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=bundled.NAMES)
    parser.add_argument("checkpoint", type=Path)
    options = parser.parse_args()
    model, weights = load(str(options.checkpoint)), bundled.path(options.name)
    spec = model.spec
    start = bundled.start_of(spec.name, spec.config, spec.mean, spec.std).token_table.detach()
    packed = bundled.pack(model.module.state_dict(), start)
    with files.atomic(weights) as temporary:
        save_file({name: value.contiguous() for name, value in packed.items()}, temporary)
    description = {"config": spec.config, "mean": spec.mean, "std": spec.std, "sha256": checksums.sha256(weights)}
    files.write_text(bundled.DATA / f"{options.name}.json", json.dumps(description, indent=2) + "\n")
    print(f"{weights}: {weights.stat().st_size / 1e6:.1f} MB, sha256 {description['sha256']}")


if __name__ == "__main__":
    main()
