"""Arrays in files, for data that does not fit in memory, and the undo journal that rolls them back to a checkpoint."""
