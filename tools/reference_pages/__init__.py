"""The generated pages of docs/reference, one module per page; `tools/reference.py` writes them."""
