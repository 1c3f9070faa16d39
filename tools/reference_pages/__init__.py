"""The generated pages of docs/reference, one module each; `tools/reference.py` writes them."""
