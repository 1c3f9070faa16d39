"""`protect --add`: protect the photos that came since, and put them beside those of an earlier result."""
