"""Arrays in files: what is too large for memory, and the journal that leads it back to a checkpoint."""
