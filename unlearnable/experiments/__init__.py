"""The experiment that `verify` and `benchmark` share: victims trained on arms and ranked, with results in cells."""
