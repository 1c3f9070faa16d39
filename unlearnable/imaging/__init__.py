"""Read photos, place noise on them, and write them back."""

import os

# Smaller blocks of large pictures are not given back to the system: 100 megapixels would take 0.3 GB more.
os.environ.setdefault("PILLOW_BLOCK_SIZE", "64m")
