"""The training loop of surrogates and victims, its optimiser, and training in several processes."""
