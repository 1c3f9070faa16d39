"""`explain`: show what models attend to in a post."""
