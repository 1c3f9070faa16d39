"""Read photos, place noise on them, and write them back."""
