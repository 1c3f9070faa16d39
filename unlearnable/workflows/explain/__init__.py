"""`explain`: what models look at in a post."""
