"""Drills that try to break the tool: `tools/torture.py` runs all of them, the tests a slice with a fixed seed."""
