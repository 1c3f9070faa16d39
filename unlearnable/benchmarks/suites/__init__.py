"""The data sets of the paper's tables, one file a set."""
