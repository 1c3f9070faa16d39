"""Training loops and what they are fed."""
