"""Surrogates and victims behind one interface, language models, and the tokens of captions and triggers."""
