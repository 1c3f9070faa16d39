"""The folders of a run: where its files lie, how copies are called, what must not be written to, and its records."""
