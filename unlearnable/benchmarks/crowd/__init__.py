"""`benchmark --crowd`: what models learn of a few people among many, over draws of who protects their posts."""
