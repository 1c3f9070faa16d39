"""Measure what a trained CLIP attends to; the results are arrays, which `report` draws."""
