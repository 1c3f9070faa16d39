"""`doctor --check`: a protected folder against the records of the run that made it."""
