"""Posts as tensors: photos as working copies, captions as tokens, and how both are read."""
