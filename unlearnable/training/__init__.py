"""The training loop of surrogates and victims, the hooks of attackers, the optimiser, training in several processes."""
