"""The commands, one module or folder each, and what they share: layout and the last run."""
