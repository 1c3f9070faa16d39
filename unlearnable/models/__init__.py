"""Surrogates and victims behind one type, and words as their tokens."""
