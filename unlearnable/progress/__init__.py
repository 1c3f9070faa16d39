"""How far a run is: the interface that long computations report to, the time that is left, lines and the log file."""
