"""How well a model retrieves, and how much a photo was changed."""
