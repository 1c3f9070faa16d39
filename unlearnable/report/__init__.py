"""Report pages: results as a person reads them, in one file that needs nothing else."""
