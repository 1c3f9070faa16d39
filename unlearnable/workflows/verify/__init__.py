"""`verify`: what victims learn from clean and from protected posts."""
