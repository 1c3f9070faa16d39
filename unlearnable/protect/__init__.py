"""Protect posts: read, optimise, write, publish; resume, add and check."""
