"""The mathematics of the optimisation, as pure functions on tensors."""
