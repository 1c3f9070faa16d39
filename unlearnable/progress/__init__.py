"""How far a run is: the interface that long computations report to, and its lines for pipes."""
