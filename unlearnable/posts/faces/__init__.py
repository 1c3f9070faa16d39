"""Photos of faces: who is on each, in any layout that is in use, and captions that hold invented names."""
