"""The data sets of the paper's tables, one module per data set."""
