"""Posts as tensors: photos as working copies, captions as tokens, and the reading of both."""
