"""The experiment that `verify` and `benchmark` share: victims trained on arms, ranked, kept in cells."""
