"""`verify`: measure what victims learn from clean and from protected posts."""
