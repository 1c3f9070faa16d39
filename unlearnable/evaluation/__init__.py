"""Measure how well a model retrieves, how much a photo was changed, and how easily triggers are noticed."""
